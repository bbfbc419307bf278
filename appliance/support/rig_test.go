// SPDX-License-Identifier: AGPL-3.0-or-later

package support_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/store"
	"coopkit/appliance/support"
	"coopkit/desk/wire"
	"coopkit/internal/rfc9457"
)

const deskURL = "https://desk.example"

// listener is a small desk: it enrols one box, and keeps what that box tells
// as long as its journal goes on where it was.
type listener struct {
	key        ed25519.PrivateKey
	invitation wire.Invitation
	period     int // seconds, of its answers

	mu      sync.Mutex
	pending bool
	more    string                                            // members of its answers that this program does not know, each with a comma behind it
	full    bool                                              // asks for everything with the next answer
	mood    func(w http.ResponseWriter, r *http.Request) bool // answers in its place; false: it does not
	box     ed25519.PublicKey
	secret  [32]byte
	words   [4]string
	last    uint64
	heads   []wire.Head // after each entry, from 0
	entries []wire.Entry
	bodies  []string // of reports, also of refused ones
	left    int
}

func newListener(t *testing.T) *listener {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i, err := wire.NewInvitation(deskURL, key.Public().(ed25519.PublicKey), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &listener{key: key, invitation: i, period: 900, heads: []wire.Head{{}}}
}

func (l *listener) set(with func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	with()
}

func refuse(w http.ResponseWriter, status int, code, why string) {
	w.Header().Set("Content-Type", rfc9457.ContentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "title": why})
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.URL.Path == wire.PathReports {
		l.bodies = append(l.bodies, string(body))
	}
	if l.mood != nil && l.mood(w, r) {
		return
	}
	switch r.URL.Path {
	case wire.PathEnrol:
		l.enrol(w, r, body)
	case wire.PathReports:
		l.report(w, r, body)
	case wire.PathLeave:
		if m, err := wire.DecodeLeave(body); err == nil && m.Box == "box000000001" && wire.VerifyLeave(l.box, body, r.Header.Get(wire.HeaderSignature)) {
			l.left++
		}
	}
}

func (l *listener) enrol(w http.ResponseWriter, r *http.Request, body []byte) {
	e, err := wire.DecodeEnrolment(body)
	public := l.key.Public().(ed25519.PublicKey)
	if err != nil || e.Invitation != l.invitation.ID() || !wire.VerifyEnrolment(e.Key, public, body, r.Header.Get(wire.HeaderSignature)) ||
		!bytes.Equal(e.MAC, wire.EnrolmentMAC(wire.VerifierOf(l.invitation.Secret), public, e.Key, e.Nonce)) {
		refuse(w, 404, "invitation-unknown", "this desk does not know the invitation")
		return
	}
	nonce, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return
	}
	answer, err := wire.Encode(wire.Enrolled{
		Box: "box000000001", Nonce: nonce.PublicKey().Bytes(), Desk: "Test desk", Coop: "Demo Co-op", Pending: l.pending, PeriodS: l.period,
	})
	if err != nil {
		return
	}
	answer = append([]byte("{"+l.more), answer[1:]...)
	l.box, l.words = e.Key, wire.FourWords(body, answer)
	if l.secret, err = wire.LinkKey(nonce, e.Nonce, body, answer); err != nil {
		return
	}
	w.Header().Set(wire.HeaderSignature, wire.SignEnrolled(l.key, body, answer))
	_, _ = w.Write(answer)
}

func (l *listener) report(w http.ResponseWriter, r *http.Request, body []byte) {
	rep, entries, err := wire.DecodeReport(body)
	switch {
	case err != nil || !new(wire.Verifier).Report(l.box, body, r.Header.Get(wire.HeaderSignature)):
		refuse(w, 400, "report-invalid", "the report cannot be read")
	case l.pending:
		refuse(w, 403, "box-pending", "nobody has compared the words")
	case rep.First > l.last+1 || l.heads[rep.First-1] != rep.Previous || !l.agrees(rep, entries):
		refuse(w, 409, "box-suspected", "the journal does not go on where it was")
	default:
		for i, e := range rep.Entries {
			if n := rep.First + uint64(i); n > l.last {
				l.last = n
				l.heads = append(l.heads, l.heads[n-1].After(entries[i]))
				l.entries = append(l.entries, e)
			}
		}
		l.answer(w, body)
	}
}

// agrees says whether what is known of the report is the same.
func (l *listener) agrees(rep wire.Report, entries [][]byte) bool {
	head := rep.Previous
	for i, e := range entries {
		head = head.After(e)
		if n := rep.First + uint64(i); n <= l.last && l.heads[n] != head {
			return false
		}
	}
	return true
}

func (l *listener) answer(w http.ResponseWriter, body []byte) {
	a := wire.Ack{Ack: l.last, NextS: l.period, Time: wire.At(time.Now()), Full: l.full}
	l.full = false
	said, err := wire.Encode(a)
	if err != nil {
		return
	}
	_, _ = w.Write(l.seal(body, append([]byte("{"+l.more), said[1:]...)))
}

// seal puts the proof into an answer that ends with "mac":null}, as the page of
// the protocol says.
func (l *listener) seal(report, said []byte) []byte {
	sum := sha256.Sum256(report)
	mac := hmac.New(sha256.New, l.secret[:])
	for _, part := range [][]byte{[]byte("coopkit-desk/v1/ack"), sum[:], said} {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		mac.Write(part)
	}
	proof := base64.StdEncoding.EncodeToString(mac.Sum(nil)[:16])
	return append(bytes.TrimSuffix(said, []byte("null}")), `"`+proof+`"}`...)
}

// reports are the bodies of all reports that came, taken or not.
func (l *listener) reports() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.bodies)
}

// all are the entries that it has.
func (l *listener) all() []wire.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// told lists what the entries say in short, samples left out.
func (l *listener) told() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, e := range l.entries {
		switch {
		case e.Facts != nil:
			out = append(out, "facts "+e.Facts.Name)
		case e.Finding != nil:
			out = append(out, e.Finding.Code+" "+e.Finding.Severity)
		case e.Solved != nil:
			out = append(out, e.Solved.Code+" solved")
		case e.Missing != nil:
			out = append(out, "missing")
		case e.Open != nil:
			out = append(out, "open "+string(rune('0'+len(*e.Open))))
		}
	}
	return out
}

// direct hands requests to a handler in the same goroutine, so that a fake
// clock need not wait for a network.
type direct struct{ h http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

// away is a desk that cannot be reached.
type away struct{}

func (away) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("dial tcp: connection refused")
}

// box is a box whose parts are what the test says.
type box struct {
	*support.Support
	store *store.Store
	stop  func()

	mu       sync.Mutex
	findings []appliance.Finding
	facts    wire.Facts
	way      http.RoundTripper
	now      func() time.Time
}

func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newBox starts a box with its records at path, which reaches h.
func newBox(t *testing.T, path string, h http.Handler) *box {
	t.Helper()
	b := &box{store: openStore(t, path), way: direct{h}, now: time.Now, facts: wire.Facts{Name: "box", Agent: "0.1.0"}}
	b.start(t, b.store)
	return b
}

func (b *box) start(t *testing.T, s support.Store) {
	t.Helper()
	b.Support = support.New(t.Context(), support.Deps{
		Store: s, Log: slog.New(slog.DiscardHandler),
		Facts: func(context.Context) (wire.Facts, error) { return locked(b, func() wire.Facts { return b.facts }), nil },
		Sample: func(context.Context) (wire.Sample, error) {
			return wire.Sample{UptimeS: 60, Load: 0.2, Memory: 4 << 30, MemoryUsed: 1 << 30, Disk: 8 << 30, DiskUsed: 1 << 30, Apps: 1, AppsUp: 1}, nil
		},
		Findings: func() []appliance.Finding {
			return locked(b, func() []appliance.Finding { return slices.Clone(b.findings) })
		},
		Now: func() time.Time { return locked(b, func() func() time.Time { return b.now })() },
		Transport: func(string, []byte) (http.RoundTripper, error) {
			return locked(b, func() http.RoundTripper { return b.way }), nil
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			cancel()
			if err := errors.Join(<-ended, b.store.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(b.stop)
}

func locked[T any](b *box, get func() T) T {
	b.mu.Lock()
	defer b.mu.Unlock()
	return get()
}

// find makes these findings show, by code.
func (b *box) find(codes ...string) {
	var all []appliance.Finding
	for _, c := range codes {
		all = append(all, appliance.Finding{Code: c, Severity: appliance.Warning, What: "something is wrong: " + c, Since: time.Now()})
	}
	b.mu.Lock()
	keep := b.findings
	for i, f := range all {
		if j := slices.IndexFunc(keep, func(k appliance.Finding) bool { return k.Code == f.Code }); j >= 0 {
			all[i] = keep[j]
		}
	}
	b.findings = all
	b.mu.Unlock()
	b.Changed()
}

// reach makes the box reach this way from the next try on.
func (b *box) reach(way http.RoundTripper) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.way = way
}

// join joins the listener's desk.
func (b *box) join(t *testing.T, l *listener) {
	t.Helper()
	plan, err := b.PlanJoin(t.Context(), appliance.JoinDesk{Code: l.invitation.String()})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range plan.Lines {
		if !slices.Contains(appliance.Deeds[line.Verb], line.Kind) {
			t.Errorf("nobody has declared what %q does, so there are no words for it", line)
		}
	}
	link, err := b.Join(t.Context(), appliance.JoinDesk{Code: l.invitation.String(), PlanHash: plan.Hash})
	if err != nil {
		t.Fatal(err)
	}
	if link.Words != l.words || link.Words[0] == "" {
		t.Fatalf("the box shows %v, the desk %v", link.Words, l.words)
	}
}

func dbIn(t *testing.T) string { t.Helper(); return filepath.Join(t.TempDir(), "box.db") }
