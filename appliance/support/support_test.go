// SPDX-License-Identifier: AGPL-3.0-or-later

package support_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/desk/wire"
)

func state(t *testing.T, b *box) appliance.DeskLink {
	t.Helper()
	s, err := b.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// after lets so much time pass in the bubble, and everything that is due then
// happen.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestRun_tellsWhatChangesAndNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		b := newBox(t, dbIn(t), l)
		b.find("DISK-NEARLY-FULL")
		after(time.Minute)
		if n := len(l.reports()); n != 0 {
			t.Fatalf("%d reports before it joined", n)
		}
		b.join(t, l)
		after(3 * time.Second)
		want := []string{"facts box", "DISK-NEARLY-FULL warning"}
		if d := cmp.Diff(want, l.told()); d != "" {
			t.Fatalf("at first (-want +told):\n%s", d)
		}
		b.find("DISK-NEARLY-FULL", "APP-STOPPED")
		after(2 * time.Second)
		b.find("APP-STOPPED")
		after(2 * time.Second)
		b.mu.Lock()
		b.facts.Agent = "0.2.0"
		b.mu.Unlock()
		after(24 * time.Minute)
		b.find()
		after(time.Hour)
		want = append(want, "APP-STOPPED warning", "DISK-NEARLY-FULL solved", "facts box", "APP-STOPPED solved")
		if d := cmp.Diff(want, l.told()); d != "" {
			t.Errorf("in all (-want +told):\n%s", d)
		}
		if s := state(t, b); s.State != appliance.DeskLinked || s.Waiting != 0 || s.Problem != nil || time.Since(s.LastSent) > 24*time.Minute {
			t.Errorf("%+v", s)
		}
		b.stop()
	})
}

func TestRun_asksForNothingButTellsEverythingWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		b := newBox(t, dbIn(t), l)
		b.join(t, l)
		b.find("A", "B")
		after(3 * time.Second)
		before := len(l.told())
		l.set(func() { l.full = true })
		after(24 * time.Minute)
		if d := cmp.Diff([]string{"facts box", "open 2"}, l.told()[before:]); d != "" {
			t.Errorf("(-want +told):\n%s", d)
		}
		b.stop()
	})
}

// TestRun_manyLongFindings: what does not fit one report goes in several.
func TestRun_manyLongFindings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		b := newBox(t, dbIn(t), l)
		b.join(t, l)
		after(time.Second)
		long := strings.Repeat("é", 500) // longer than a desk takes, in bytes
		for i := range 90 {
			b.findings = append(b.findings, appliance.Finding{
				Code: fmt.Sprintf("F-%d", i), Severity: appliance.Critical, What: long, Why: long, Next: []string{long, long, long}, Since: time.Now(),
			})
		}
		b.Changed()
		after(2 * time.Second)
		longest := 0
		for _, body := range l.reports() {
			longest = max(longest, len(body))
		}
		if n := len(l.told()); n != 91 || longest > wire.MaxReportBytes || longest < wire.MaxReportBytes/2 {
			t.Errorf("%d things told, the longest report has %d bytes", n, longest)
		}
		b.stop()
	})
}

// TestRun_aWeekWithoutTheDesk: eight days without the desk, on a fake clock,
// with a restart of the box in the middle. What is found arrives in order; a
// day of samples is missing and said to be.
func TestRun_aWeekWithoutTheDesk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, path := newListener(t), dbIn(t)
		b := newBox(t, path, l)
		b.join(t, l)
		b.Changed()
		after(24 * time.Minute)
		b.reach(away{})
		b.DropWay()
		start, want := time.Now(), l.told()
		for day := range 8 {
			code := fmt.Sprintf("DAY-%d", day)
			b.find(code)
			want = append(want, code+" warning")
			if day > 0 {
				want = append(want, fmt.Sprintf("DAY-%d solved", day-1))
			}
			after(24 * time.Hour)
			if day == 4 {
				findings := b.findings
				b.stop()
				b = newBox(t, path, l)
				b.reach(away{})
				b.findings = findings
				b.Changed()
			}
		}
		silent := state(t, b)
		if silent.State != appliance.DeskSilent || silent.Problem == nil || silent.Problem.Code != "desk-unreachable" || silent.Waiting < 600 {
			t.Fatalf("while it is away: %+v", silent)
		}
		if c := b.Contact(); !c.Joined || time.Since(c.Heard) < 7*24*time.Hour || c.Trouble == nil {
			t.Errorf("contact %+v", c)
		}
		b.reach(direct{l})
		after(11 * time.Minute)
		got := l.told()
		i := slices.Index(got, "missing")
		if i < 0 {
			t.Fatalf("nothing is said to be missing: %q", got)
		}
		if d := cmp.Diff(want, slices.Delete(slices.Clone(got), i, i+1)); d != "" {
			t.Errorf("(-want +told):\n%s", d)
		}
		samples, missing := 0, 0
		var last time.Time
		for _, e := range l.all() {
			if e.Sample != nil && e.At.After(start) {
				samples++
			}
			if e.Missing != nil {
				missing = e.Missing.Samples
				continue
			}
			if e.At.Before(last) {
				t.Errorf("out of order: %v after %v", e.At, last)
			}
			last = e.At.Time
		}
		week := 7 * 24 * 4
		if samples < week || samples > week+2 || missing < 24*4-5 || missing > 24*4+5 {
			t.Errorf("%d samples kept and %d missing; want a week and a day", samples, missing)
		}
		if s := state(t, b); s.State != appliance.DeskLinked || s.Waiting != 0 {
			t.Errorf("after it is back: %+v", s)
		}
		for _, body := range l.reports() {
			if len(body) > wire.MaxReportBytes {
				t.Errorf("a report of %d bytes", len(body))
			}
		}
		b.stop()
	})
}

func TestRun_waitsLongerAfterEachFailureAndAsLongAsTheDeskAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		b := newBox(t, dbIn(t), l)
		b.join(t, l)
		after(2 * time.Second)
		l.set(func() { l.mood = away503("") })
		b.find("A")
		after(24 * time.Hour)
		tries := len(l.reports())
		if tries < 24*6 || tries > 24*20 { // on average every five minutes
			t.Errorf("%d tries in a day", tries)
		}
		l.set(func() { l.mood = away503("1800") })
		after(time.Hour)
		tries = len(l.reports())
		after(24 * time.Hour)
		if n := len(l.reports()) - tries; n < 40 || n > 50 {
			t.Errorf("%d tries in a day where one each half hour was asked for", n)
		}
		bodies := l.reports()[tries:]
		for _, body := range bodies[1:] { // a report that may have been received stays as it is
			if entriesOf(t, body) != entriesOf(t, bodies[0]) {
				t.Fatalf("a retry has other entries:\n%s\n%s", bodies[0], body)
			}
		}
		b.stop()
	})
}

func entriesOf(t *testing.T, body string) string {
	t.Helper()
	_, entries, ok := strings.Cut(body, `"first":`)
	if !ok {
		t.Fatalf("no report: %s", body)
	}
	return entries
}

func TestRun_clockThatIsWrongOrJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t)
		b := newBox(t, dbIn(t), l)
		b.mu.Lock()
		b.now = func() time.Time { return time.Unix(3600, 0) } // no battery, no network time, and it stands still
		b.mu.Unlock()
		b.join(t, l)
		after(31 * time.Minute)
		n := len(l.all())
		b.mu.Lock()
		b.now = func() time.Time { return time.Now().AddDate(30, 0, 0) }
		b.mu.Unlock()
		after(31 * time.Minute)
		b.mu.Lock()
		b.now = time.Now
		b.mu.Unlock()
		after(31 * time.Minute)
		if now := len(l.all()); now < n+2 || n < 2 {
			t.Errorf("%d entries, later %d: the clock stopped it", n, now)
		}
		if s := state(t, b); s.State != appliance.DeskLinked {
			t.Errorf("%+v", s)
		}
		b.stop()
	})
}
