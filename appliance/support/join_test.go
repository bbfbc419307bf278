// SPDX-License-Identifier: AGPL-3.0-or-later

package support_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/support"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

func wantProblem(t *testing.T, err error, code string) {
	t.Helper()
	if !errors.Is(err, &problem.Problem{Code: code}) {
		t.Errorf("got %v; want %s", err, code)
	}
}

func TestJoin_pendingUntilAPersonHasComparedTheWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		l.pending = true
		b := newBox(t, dbIn(t), l)
		if s := state(t, b); s.State != appliance.DeskNone {
			t.Errorf("before: %+v", s)
		}
		b.join(t, l)
		after(5 * time.Minute)
		s := state(t, b)
		if s.State != appliance.DeskPending || s.Words != l.words || s.Name != "Test desk" || s.Coop != "Demo Co-op" || s.Problem != nil {
			t.Errorf("pending: %+v", s)
		}
		if c := b.Contact(); time.Since(c.Heard) > time.Minute || c.Refused != nil {
			t.Errorf("the desk answers, and the check sees %+v", c)
		}
		l.set(func() { l.pending = false })
		after(time.Minute)
		if s := state(t, b); s.State != appliance.DeskLinked || s.Waiting != 0 {
			t.Errorf("confirmed: %+v", s)
		}
		b.stop()
	})
}

func TestJoin_refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, other := newListener(t), newListener(t)
		b := newBox(t, dbIn(t), l)
		join := func(code, hash string) error {
			_, err := b.Join(t.Context(), appliance.JoinDesk{Code: code, PlanHash: hash})
			return err
		}
		code := l.invitation.String()
		_, err := b.PlanJoin(t.Context(), appliance.JoinDesk{Code: "nonsense"})
		wantProblem(t, err, "invitation-unreadable")
		wantProblem(t, join("nonsense", ""), "invitation-unreadable")
		wantProblem(t, join(code, "0123"), "plan-changed")
		wantProblem(t, join(other.invitation.String(), ""), "invitation-refused")
		key := l.key
		l.set(func() { l.key = other.key }) // somebody else at the same address
		wantProblem(t, join(code, ""), "invitation-refused")
		forge := func(w http.ResponseWriter, _ *http.Request) bool {
			answer, err := wire.Encode(wire.Enrolled{Box: "box000000001", Nonce: make([]byte, 32), PeriodS: 60})
			if err != nil {
				t.Error(err)
			}
			w.Header().Set(wire.HeaderSignature, wire.SignEnrolled(other.key, nil, answer))
			_, _ = w.Write(answer)
			return true
		}
		l.set(func() { l.mood = forge })
		wantProblem(t, join(code, ""), "desk-not-verified")
		l.set(func() { l.mood, l.key, l.more = nil, key, `"v":7,` })
		wantProblem(t, join(code, ""), "desk-versions-differ")
		l.set(func() {
			l.mood = says(400, `{"code":"protocol-version","title":"no version in common","why":"the box speaks version 1, the desk speaks versions 2 to 3, so the box has to be updated"}`)
		})
		err = join(code, "")
		wantProblem(t, err, "desk-versions-differ")
		if !strings.Contains(problem.Reason(err), "so the box has to be updated") {
			t.Errorf("it does not say which side is too old: %v", err)
		}
		b.reach(away{})
		wantProblem(t, join(code, ""), "desk-unreachable")
		if s := state(t, b); s.State != appliance.DeskNone {
			t.Errorf("after all of it: %+v", s)
		}
		b.stop()
	})
}

// TestJoin_aNewerDesk: members that this program does not know neither disturb
// the agreement nor the proofs.
func TestJoin_aNewerDesk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		l.set(func() { l.more = `"rings":["early"],"roster":{"until":"2027-01-01"},` })
		b := newBox(t, dbIn(t), l)
		b.join(t, l)
		b.find("A")
		after(3 * time.Second)
		if s := state(t, b); s.State != appliance.DeskLinked || s.Waiting != 0 || s.Words != l.words {
			t.Errorf("%+v %v", s, s.Problem)
		}
		b.stop()
	})
}

func TestJoin_onceAndTheCodesSecretStaysHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		var sent []string
		l.mood = func(_ http.ResponseWriter, r *http.Request) bool {
			sent = append(sent, r.URL.String()+" "+r.Header.Get(wire.HeaderSignature))
			return false
		}
		b := newBox(t, dbIn(t), l)
		b.join(t, l)
		_, err := b.Join(t.Context(), appliance.JoinDesk{Code: l.invitation.String()})
		wantProblem(t, err, "desk-joined-already")
		_, err = b.PlanJoin(t.Context(), appliance.JoinDesk{Code: l.invitation.String()})
		wantProblem(t, err, "desk-joined-already")
		_, rest, _ := strings.Cut(l.invitation.String(), "#")
		secret := strings.Split(rest, ".")[2]
		if text := strings.Join(sent, "\n"); strings.Contains(text, secret) {
			t.Errorf("the secret went out: %s", text)
		}
		b.stop()
	})
}

// TestLeave_withTheDeskThereAndAway: keys and outbox go at once, and the desk
// hears of it if it can.
func TestLeave_withTheDeskThereAndAway(t *testing.T) {
	for name, there := range map[string]bool{"there": true, "away": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListener(t)
				b := newBox(t, dbIn(t), l)
				wantProblem(t, b.Leave(t.Context()), "desk-not-joined")
				b.join(t, l)
				after(3 * time.Second)
				if !there {
					b.reach(slow{})
					b.DropWay()
					b.find("A")
					after(2 * time.Second) // a report is on its way now
				}
				began := time.Now()
				if err := b.Leave(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 11*time.Second {
					t.Errorf("it took %v", took)
				}
				if s := state(t, b); s.State != appliance.DeskNone || s.URL != "" {
					t.Errorf("%+v", s)
				}
				if link, err := b.store.DeskLink(t.Context()); link != nil || err != nil {
					t.Errorf("the store keeps %+v, %v", link, err)
				}
				if n, err := b.store.Waiting(t.Context()); n != 0 || err != nil {
					t.Errorf("%d entries left, %v", n, err)
				}
				_, err := b.Preview(t.Context())
				wantProblem(t, err, "desk-not-joined")
				if there != (l.left == 1) {
					t.Errorf("the desk heard of it %d times", l.left)
				}
				b.stop()
			})
		})
	}
}

// slow is a desk that takes a message and never answers.
type slow struct{}

func (slow) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestRun_slowDeskIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		b := newBox(t, dbIn(t), l)
		b.join(t, l)
		after(time.Second)
		b.reach(slow{})
		b.DropWay()
		b.find("A")
		after(32 * time.Second)
		if s := state(t, b); s.State != appliance.DeskSilent || s.Problem.Code != "desk-unreachable" || !strings.Contains(s.Problem.Why, "30s") {
			t.Errorf("%+v %v", s, s.Problem)
		}
		b.stop()
	})
}

// TestPreview_isWhatIsSent: before the first report it is the next one, then the
// last one.
func TestPreview_isWhatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		l.pending = true
		b := newBox(t, dbIn(t), l)
		b.join(t, l)
		before, err := b.Preview(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l.set(func() { l.pending = false })
		after(time.Minute)
		reports := l.reports()
		sent := reports[len(reports)-1]
		last, err := b.Preview(t.Context())
		if err != nil || compact(last) != sent {
			t.Errorf("shown\n%s\nsent\n%s (%v)", last, sent, err)
		}
		if entriesOf(t, compact(before)) != entriesOf(t, reports[0]) || !strings.Contains(before, "\n  \"box\": \"box000000001\"") {
			t.Errorf("shown before\n%s\nsent\n%s", before, reports[0])
		}
		b.stop()
	})
}

// compact undoes the line breaks of a preview; no text of the test has spaces
// after a line break or a colon.
func compact(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.Replace(strings.TrimLeft(l, " "), `": `, `":`, 1)
	}
	return strings.Join(lines, "")
}

// fullDisk is a store whose disk is full at times.
type fullDisk struct {
	support.Store
	full atomic.Bool
}

func (f *fullDisk) err() error {
	if f.full.Load() {
		return &problem.Problem{Code: "disk-full"}
	}
	return nil
}

func (f *fullDisk) Tell(ctx context.Context, items []support.Item, told support.Told, keep support.Keep) error {
	return errors.Join(f.err(), onlyIf(f.err() == nil, func() error { return f.Store.Tell(ctx, items, told, keep) }))
}

func (f *fullDisk) Acked(ctx context.Context, c support.Confirmed) error {
	return errors.Join(f.err(), onlyIf(f.err() == nil, func() error { return f.Store.Acked(ctx, c) }))
}

func onlyIf(ok bool, do func() error) error {
	if !ok {
		return nil
	}
	return do()
}

func TestRun_fullDiskLosesNoFinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		b := &box{store: openStore(t, dbIn(t)), way: direct{l}, now: time.Now, facts: wire.Facts{Name: "box"}}
		disk := &fullDisk{Store: b.store}
		b.start(t, disk)
		b.join(t, l)
		after(time.Second)
		disk.full.Store(true)
		b.find("A")
		after(time.Hour)
		disk.full.Store(false)
		after(24 * time.Minute)
		l.set(func() { l.mood = func(http.ResponseWriter, *http.Request) bool { disk.full.Store(true); return false } })
		b.find("A", "B") // kept, received, and its confirmation is not kept
		after(3 * time.Second)
		l.set(func() { l.mood = nil })
		disk.full.Store(false)
		after(24 * time.Minute)
		if got := strings.Join(l.told(), ", "); got != "facts box, A warning, B warning" {
			t.Errorf("told: %s", got)
		}
		if s := state(t, b); s.State != appliance.DeskLinked || s.Waiting != 0 {
			t.Errorf("%+v %v", s, s.Problem)
		}
		b.stop()
	})
}

// TestRun_boxThatWasPutBack: an older copy of the box's records is put back.
// The desk notices, the box says so, and joining anew helps.
func TestRun_boxThatWasPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, path := newListener(t), dbIn(t)
		b := newBox(t, path, l)
		b.join(t, l)
		after(time.Minute)
		b.stop()
		copied, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b = newBox(t, path, l)
		b.find("A")
		after(time.Hour)
		b.stop()
		if err := os.WriteFile(path, copied, 0o600); err != nil {
			t.Fatal(err)
		}
		b = newBox(t, path, l)
		b.find("B")
		after(time.Minute)
		if s := state(t, b); s.State != appliance.DeskRefused || s.Problem.Code != "desk-suspects-box" || s.Waiting == 0 {
			t.Errorf("%+v %v", s, s.Problem)
		}
		if c := b.Contact(); c.Refused == nil {
			t.Errorf("the check sees %+v", c)
		}
		if err := b.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.set(func() { l.last, l.heads, l.entries = 0, l.heads[:1], nil })
		b.join(t, l)
		after(3 * time.Second)
		if got := strings.Join(l.told(), ", "); got != "facts box, B warning" {
			t.Errorf("after it joined anew: %s", got)
		}
		b.stop()
	})
}

// TestJoin_overTLS goes over a real connection, to the pinned certificate and
// past it.
func TestJoin_overTLS(t *testing.T) {
	l := newListener(t)
	server := httptest.NewUnstartedServer(l)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	code := func(pin []byte) string {
		i := l.invitation
		i.Desk, i.Pin = server.URL, pin
		return i.String()
	}
	b := &box{store: openStore(t, dbIn(t))}
	s := support.New(t.Context(), support.Deps{
		Store: b.store, Log: slog.New(slog.DiscardHandler), Findings: func() []appliance.Finding { return nil },
		Facts:  func(context.Context) (wire.Facts, error) { return wire.Facts{Name: "box"}, nil },
		Sample: func(context.Context) (wire.Sample, error) { return wire.Sample{}, nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := errors.Join(<-ended, b.store.Close()); err != nil {
			t.Error(err)
		}
	}()
	for _, pin := range [][]byte{nil, make([]byte, 32)} {
		_, err := s.Join(t.Context(), appliance.JoinDesk{Code: code(pin)})
		wantProblem(t, err, "desk-not-verified")
	}
	link, err := s.Join(t.Context(), appliance.JoinDesk{Code: code(wire.PinOf(server.Certificate()))})
	if err != nil {
		t.Fatal(err)
	}
	if want := support.Fingerprint(l.key.Public().(ed25519.PublicKey)); link.Words != l.words || link.URL != server.URL || link.KeyFingerprint != want {
		t.Errorf("%+v", link)
	}
	testkit.Eventually(t, 10*time.Second, "the facts arrive", func() bool { return strings.Join(l.told(), "") == "facts box" })
}
