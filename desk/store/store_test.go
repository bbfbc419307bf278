// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

var update = flag.Bool("update", false, "write the golden files anew")

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a store that runs, with a clock of its own.
type rig struct {
	*Store
	tb    testing.TB
	path  string
	clock *clock
	stop  func()
}

func open(tb testing.TB) *rig {
	tb.Helper()
	r := &rig{tb: tb, path: filepath.Join(tb.TempDir(), "desk.db"), clock: newClock()}
	r.start()
	tb.Cleanup(func() { r.stop() })
	if err := r.as(desk.Coordinator, "").AddCoop(tb.Context(), desk.Coop{ID: "bakery", Name: "Lantern Street Bakery", Place: "Bilbao"}); err != nil {
		tb.Fatal(err)
	}
	if err := r.as(desk.Coordinator, "").AddCoop(tb.Context(), desk.Coop{ID: "kestrel", Name: "Kestrel Works", ITCoop: true}); err != nil {
		tb.Fatal(err)
	}
	return r
}

func (r *rig) start() {
	r.tb.Helper()
	s, err := Open(r.tb.Context(), r.path, Options{Log: slog.New(slog.DiscardHandler), Now: r.clock.Now, Period: time.Minute})
	if err != nil {
		r.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r.Store = s
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, s.Check(context.Background()), s.Close()); err != nil {
			r.tb.Error(err)
		}
	})
}

// again stops the store and opens it anew, as after a restart.
func (r *rig) again(away time.Duration) {
	r.tb.Helper()
	r.stop()
	r.clock.pass(away)
	r.start()
}

func (r *rig) as(role desk.Role, coop desk.CoopID) *View {
	return r.As(desk.Principal{Person: "Jonas", Coop: coop, Role: role})
}

// sender is a box as far as the store knows it.
type sender struct {
	*rig
	id   wire.BoxID
	next uint64
	head wire.Head
	skew time.Duration
}

// box takes on a box of the bakery that Kestrel looks after.
func (r *rig) box(name string, coop, caretaker desk.CoopID) *sender {
	r.tb.Helper()
	return r.enrolled(name, coop, caretaker, true)
}

func (r *rig) enrolled(name string, coop, caretaker desk.CoopID, confirmed bool) *sender {
	r.tb.Helper()
	code := wire.Invitation{Desk: "https://desk.example"}
	_, _ = rand.Read(code.Secret[:])
	if _, err := r.as(desk.Coordinator, "").Invite(r.tb.Context(), code, Invite{Coop: coop, Caretaker: caretaker, Confirmed: confirmed}); err != nil {
		r.tb.Fatal(err)
	}
	n := NewBox{
		Invitation: code.ID(), ID: wire.BoxID(strings.ToLower(rand.Text()[:12])), Key: make([]byte, 32), Words: [4]string{"acorn", "loaf", "oak", "yarn"},
		Facts: wire.Facts{Name: name, Agent: "0.9.1"}, Request: []byte("request"), Answer: []byte("answer"),
	}
	if err := r.Enrol(r.tb.Context(), n); err != nil {
		r.tb.Fatal(err)
	}
	return &sender{rig: r, id: n.ID, next: 1}
}

// report makes the next report of the box, without sending it.
func (s *sender) report(entries ...wire.Entry) (wire.Report, [][]byte, []byte) {
	s.tb.Helper()
	now := wire.At(s.clock.Now().Add(s.skew))
	for i := range entries {
		if entries[i].At.IsZero() {
			entries[i].At = now
		}
	}
	body, err := wire.Encode(wire.Report{Version: 1, Box: s.id, Sent: now, First: s.next, Previous: s.head, Entries: entries})
	if err != nil {
		s.tb.Fatal(err)
	}
	r, raw, err := wire.DecodeReport(body)
	if err != nil {
		s.tb.Fatal(err)
	}
	return r, raw, body
}

// send sends the next report and moves on when it was stored.
func (s *sender) send(entries ...wire.Entry) Stored {
	s.tb.Helper()
	r, raw, body := s.report(entries...)
	got, err := s.Receive(s.tb.Context(), &r, raw, body)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.moveOn(raw)
	return got
}

func (s *sender) moveOn(raw [][]byte) {
	for _, e := range raw {
		s.head = s.head.After(e)
	}
	s.next += uint64(len(raw))
}

func sample(load float64) wire.Entry {
	return wire.Entry{Sample: &wire.Sample{UptimeS: 60, Load: load, Memory: 4, MemoryUsed: 1, Disk: 10, DiskUsed: 5, Apps: 2, AppsUp: 2}}
}

func finding(code, severity string) wire.Entry {
	return wire.Entry{Finding: &wire.Finding{FindingName: wire.FindingName{Code: code}, Severity: severity, What: "What " + code, Next: []string{"Do it"}}}
}

func (r *rig) count(text string, args ...any) (n int) {
	r.tb.Helper()
	if err := r.db.Read().QueryRowContext(r.tb.Context(), text, args...).Scan(&n); err != nil {
		r.tb.Fatal(err)
	}
	return n
}

func isProblem(tb testing.TB, err error, code string) {
	tb.Helper()
	if !errors.Is(err, &problem.Problem{Code: code}) {
		tb.Errorf("got %v; want the problem %s", err, code)
	}
}

func TestSchema_isTheGoldenOne(t *testing.T) {
	r := open(t)
	parts, err := sqlitedb.Query(t.Context(), r.db.Read(), func(rows *sql.Rows) (text string, err error) { return text, rows.Scan(&text) },
		`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(parts, ";\n\n") + ";\n"
	golden := filepath.Join("testdata", "schema.sql")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the schema changed (go test ./desk/store -update):\n%s", diff)
	}
}

func TestReceive_storesOnceAndInOrder(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "")
	if got := b.send(sample(1), sample(2)); got != (Stored{Last: 2, Full: true}) {
		t.Errorf("the first report: %+v", got)
	}
	again, raw, body := b.report(sample(3))
	for range 2 { // the answer was lost, so it is sent twice
		if got, err := b.Receive(t.Context(), &again, raw, body); err != nil || got.Last != 3 {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	more, raws, bodies := b.report(sample(3), sample(4)) // the same again, with one more behind it
	if got, err := b.Receive(t.Context(), &more, raws, bodies); err != nil || got.Last != 4 {
		t.Errorf("got %+v, %v", got, err)
	}
	if n := r.count(`SELECT count(*) FROM journal`); n != 3 {
		t.Errorf("the journal has %d reports, not 3", n)
	}
	b.moveOn(raws)
	if got := b.send(wire.Entry{Open: &[]wire.Finding{}}); got != (Stored{Last: 5}) {
		t.Errorf("after all was told: %+v", got)
	}
	got, err := r.as(desk.Coordinator, "").Box(t.Context(), b.id)
	if err != nil || got.Entries != 5 || got.Lost != 0 || got.Sample.Load != 4 || got.State != desk.BoxUp {
		t.Errorf("the box is %+v, %v", got, err)
	}
}

func TestReceive_countsWhatNeverCame(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "")
	b.send(sample(1), wire.Entry{Open: &[]wire.Finding{}})
	b.next += 7 // the desk was put back to an older state, or entries were lost
	if got := b.send(sample(1)); got != (Stored{Last: 10, Full: true}) {
		t.Errorf("after a gap: %+v", got)
	}
	if got, err := r.as(desk.Coordinator, "").Box(t.Context(), b.id); err != nil || got.Lost != 7 {
		t.Errorf("%d are lost, %v", got.Lost, err)
	}
	if got := b.send(wire.Entry{Missing: &wire.Missing{Samples: 3, From: wire.At(r.clock.Now()), To: wire.At(r.clock.Now())}}); !got.Full {
		t.Error("the desk no longer asks for everything")
	}
	if got := b.send(wire.Entry{Open: &[]wire.Finding{}}); got.Full {
		t.Error("the desk still asks for everything")
	}
}

func TestReceive_noticesACloneAndAJournalThatWentBack(t *testing.T) {
	r := open(t)
	view := r.as(desk.Technician, "kestrel")
	b := r.box("mill", "bakery", "kestrel")
	b.send(sample(1), finding(CodeSuspected, "notice")) // with which a copy would hide what the desk finds
	clone := *b
	old, oldRaw, oldBody := b.report(sample(2))
	r.clock.pass(time.Minute)
	b.send(sample(2))
	for range 3 {
		r.clock.pass(time.Minute)
		b.send(sample(3))
	}

	if _, err := b.Receive(t.Context(), &old, oldRaw, oldBody); err == nil {
		t.Error("an old report was taken")
	} else {
		isProblem(t, err, "report-late")
	}
	report, raw, body := clone.report(sample(9))
	_, err := clone.Receive(t.Context(), &report, raw, body)
	isProblem(t, err, "box-suspected")
	got, err := view.Box(t.Context(), b.id)
	if err != nil || got.State != desk.BoxSuspected || len(got.Findings) != 1 || got.Findings[0].Code != CodeSuspected || got.Sample.Load == 9 {
		t.Errorf("the box is %+v, %v", got, err)
	}
	b.send(sample(4)) // the one whose journal fits goes on
	if err := view.Restored(t.Context(), b.id); err != nil {
		t.Fatal(err)
	}
	if got := clone.send(sample(9)); !got.Full || got.Last != 3 {
		t.Errorf("the restored box: %+v", got)
	}
	if got, err := view.Box(t.Context(), b.id); err != nil || got.State != desk.BoxUp || len(got.Findings) != 0 {
		t.Errorf("then the box is %+v, %v", got, err)
	}
}

func TestReceive_flagsAWrongClock(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "")
	view := r.as(desk.Coordinator, "")
	b.skew = -26 * time.Hour
	b.send(sample(1))
	got, err := view.Box(t.Context(), b.id)
	if err != nil || len(got.Findings) != 1 || got.Findings[0].Code != CodeClockWrong || got.Skew != b.skew || got.State != desk.BoxUp {
		t.Errorf("got %+v, %v", got, err)
	}
	if h, err := view.History(t.Context(), b.id, r.clock.Now().Add(-time.Hour)); err != nil || len(h) != 1 || !h[0].Start.Equal(r.clock.Now().Truncate(short)) {
		t.Errorf("the sample is at %+v, %v; want the desk's time", h, err)
	}
	b.skew = 0
	b.send(sample(1))
	if got, err := view.Box(t.Context(), b.id); err != nil || len(got.Findings) != 0 {
		t.Errorf("then %+v, %v", got.Findings, err)
	}
}

func TestReceive_endsWithRemoval(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "kestrel")
	view := r.as(desk.Technician, "kestrel")
	if err := view.RemoveBox(t.Context(), b.id); err != nil {
		t.Fatal(err)
	}
	report, raw, body := b.report(sample(1))
	_, err := b.Receive(t.Context(), &report, raw, body)
	isProblem(t, err, "box-gone")
	if _, err := r.Keys(t.Context(), b.id); err == nil {
		t.Error("a removed box still has keys")
	}
	isProblem(t, r.Leave(t.Context(), b.id, ""), "box-gone")
	if f, err := view.Fleet(t.Context(), FleetFilter{}); err != nil || f.Boxes != 0 {
		t.Errorf("the fleet has %d boxes, %v", f.Boxes, err)
	}
}

func TestFindings_openChangeAndClose(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "")
	view := r.as(desk.Member, "bakery")
	b.send(finding("DISK-NEARLY-FULL", "warning"), finding("CERT-EXPIRES", "notice"), finding(CodeSuspected, "critical"))
	b.send(finding("DISK-NEARLY-FULL", "critical"), wire.Entry{Solved: &wire.FindingName{Code: "CERT-EXPIRES"}})
	b.send(finding("DISK-NEARLY-FULL", "critical"))
	got, err := view.Box(t.Context(), b.id)
	if err != nil || len(got.Findings) != 1 || got.Findings[0].Severity != "critical" { // the desk's own codes are the desk's
		t.Fatalf("open: %+v, %v", got.Findings, err)
	}
	b.send(wire.Entry{Open: &[]wire.Finding{*finding("PORT-CLOSED", "warning").Finding}})
	if got, err := view.Box(t.Context(), b.id); err != nil || len(got.Findings) != 1 || got.Findings[0].Code != "PORT-CLOSED" {
		t.Errorf("open: %+v, %v", got.Findings, err)
	}
	events, err := view.Events(t.Context(), b.id, 100)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, e := range events {
		seen = append(seen, fmt.Sprintf("%s %s %s", e.Kind, e.Code, e.Severity))
	}
	want := []string{
		"finding PORT-CLOSED warning", "solved DISK-NEARLY-FULL critical",
		"solved CERT-EXPIRES notice", "finding DISK-NEARLY-FULL critical", "finding CERT-EXPIRES notice",
		"finding DISK-NEARLY-FULL warning", "joined  ",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}
