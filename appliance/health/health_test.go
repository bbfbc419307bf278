// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
)

var update = flag.Bool("update", false, "write the reference page again")

// faults is a check that finds what the test says.
type faults struct {
	mu    sync.Mutex
	found []appliance.Finding
	err   error
}

func (f *faults) set(err error, found ...appliance.Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found, f.err = found, err
}

func (f *faults) check(codes ...Code) Check {
	return Check{
		Name: "faults", Title: "made-up faults", Codes: codes,
		Run: func(context.Context) ([]appliance.Finding, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return slices.Clone(f.found), f.err
		},
	}
}

// memory is a Store.
type memory struct {
	mu    sync.Mutex
	saved []appliance.Finding
	saves int

	days    map[string]appliance.Day
	written int  // pages of days
	full    bool // they cannot be written
}

func (m *memory) LoadFindings(context.Context) ([]appliance.Finding, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.saved), nil
}

func (m *memory) SaveFindings(_ context.Context, f []appliance.Finding) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saved, m.saves = slices.Clone(f), m.saves+1
	return nil
}

// KeepDay implements Store.
func (m *memory) KeepDay(_ context.Context, day appliance.Day) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return errors.New("no room")
	}
	if m.days == nil {
		m.days = map[string]appliance.Day{}
	}
	m.days[day.Date] = day
	m.written++
	return nil
}

// Days implements Store.
func (m *memory) Days(_ context.Context, from string) ([]appliance.Day, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var days []appliance.Day
	for _, date := range slices.Sorted(maps.Keys(m.days)) {
		if date >= from {
			days = append(days, m.days[date])
		}
	}
	return days, nil
}

func registry(t *testing.T, store Store, checks ...Check) *Registry {
	t.Helper()
	r, err := New(Deps{Log: slog.New(slog.DiscardHandler), Store: store}, checks...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// start runs the registry inside a bubble until the test ends.
func start(t *testing.T, r *Registry) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// pass lets time go by inside a bubble.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
	synctest.Wait()
}

func shown(f []appliance.Finding) string {
	var all []string
	for _, one := range f {
		all = append(all, strings.TrimSpace(one.Code+" "+one.Subject))
	}
	return strings.Join(all, ", ")
}

var red = appliance.Finding{Code: "RED", Subject: "app:wiki", Severity: appliance.Critical, What: "it is red"}

func TestRun_showsAfterTwoAndGoesAfterTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f faults
		store := &memory{}
		r := registry(t, store, f.check(Code{Code: "RED", Severity: appliance.Critical}))
		f.set(nil, red)
		began := time.Now()
		stop := start(t, r)
		want := func(what string) {
			t.Helper()
			if got := shown(r.Findings()); got != what {
				t.Errorf("shows %q, want %q", got, what)
			}
		}
		want("") // bad once
		if report, err := r.Shown(t.Context()); err != nil || !report.At.Equal(began) {
			t.Errorf("the newest look was at %v, want %v", report.At, began)
		}
		pass(t, time.Minute)
		want("RED app:wiki") // bad twice
		if since := r.Findings()[0].Since; !since.Equal(began) {
			t.Errorf("since %v, want the first time it was bad: %v", since, began)
		}
		f.set(nil)
		pass(t, time.Minute)
		want("RED app:wiki") // good once
		f.set(nil, red)
		pass(t, time.Minute)
		f.set(nil)
		pass(t, time.Minute)
		want("RED app:wiki") // good once again: it flaps, and still shows
		pass(t, time.Minute)
		want("") // good twice
		f.set(nil, red)
		pass(t, time.Minute)
		f.set(nil)
		pass(t, time.Minute)
		f.set(nil, red)
		pass(t, time.Minute)
		want("") // never bad twice in a row
		if store.saves != 2 {
			t.Errorf("saved %d times, want when it came and when it went", store.saves)
		}
		stop()
	})
}

func TestShown_hasNotLookedBeforeEveryCheckHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var quick faults
		slow := Check{Name: "slow", Title: "a check that takes ten seconds", Run: func(ctx context.Context) ([]appliance.Finding, error) {
			select {
			case <-time.After(10 * time.Second):
			case <-ctx.Done():
			}
			return nil, ctx.Err()
		}}
		r := registry(t, nil, quick.check(Code{Code: "RED"}), slow)
		stop := start(t, r)
		if report, err := r.Shown(t.Context()); err != nil || !report.At.IsZero() {
			t.Errorf("one of two checks has looked, and the report is of %v", report.At)
		}
		pass(t, 10*time.Second)
		if report, err := r.Shown(t.Context()); err != nil || !report.At.Equal(time.Now()) {
			t.Errorf("both have looked, and the report is of %v, want %v", report.At, time.Now())
		}
		stop()
	})
}

func TestRun_keepsSinceOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f faults
		store := &memory{}
		f.set(nil, red)
		stop := start(t, registry(t, store, f.check(Code{Code: "RED"})))
		began := time.Now()
		pass(t, time.Minute)
		stop()
		pass(t, time.Hour)
		again := registry(t, store, f.check(Code{Code: "RED"}))
		stop = start(t, again)
		if got := again.Findings(); len(got) != 1 || !got[0].Since.Equal(began) {
			t.Errorf("after the restart: %+v, want since %v", got, began)
		}
		stop()
	})
}

func TestRun_aCheckThatCannotLookChangesNothingButSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f faults
		f.set(nil, red)
		r := registry(t, nil, f.check(Code{Code: "RED"}))
		stop := start(t, r)
		pass(t, time.Minute)
		f.set(errors.New("the cable is out"))
		pass(t, 5*time.Minute)
		if got := shown(r.Findings()); got != "RED app:wiki, CHECK-COULD-NOT-LOOK check:faults" {
			t.Errorf("shows %q", got)
		}
		if why := r.Findings()[1].Why; !strings.Contains(why, "the cable is out") {
			t.Errorf("why: %q", why)
		}
		stop()
	})
}

func TestNow_looksAtOnceAndLeavesWhatShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f faults
		f.set(nil, red)
		slow := Check{Name: "slow", Title: "a slow thing", Timeout: time.Second, Run: func(ctx context.Context) ([]appliance.Finding, error) {
			<-ctx.Done()
			return nil, nil // it does not even say that it was cut short
		}}
		broken := Check{Name: "broken", Title: "a broken thing", Run: func(context.Context) ([]appliance.Finding, error) {
			return make([]appliance.Finding, 0)[:len(os.Args)-1-len(os.Args)], nil // a negative length panics
		}}
		r := registry(t, nil, f.check(Code{Code: "RED"}), slow, broken)
		got, err := r.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Checks != 3 || !strings.HasPrefix(shown(got.Findings), "RED app:wiki, CHECK-COULD-NOT-LOOK check:broken") {
			t.Errorf("%d checks: %s", got.Checks, shown(got.Findings))
		}
		if got.Worst() != appliance.Critical {
			t.Errorf("worst %v", got.Worst())
		}
		if now := r.Findings(); len(now) != 0 {
			t.Errorf("looking changed what shows: %s", shown(now))
		}
	})
}

func TestNow_aCheckThatHangsDoesNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		looks := 0
		release := make(chan struct{})
		hangs := Check{Name: "hangs", Title: "a thing that hangs", Timeout: time.Second, Run: func(context.Context) ([]appliance.Finding, error) {
			mu.Lock()
			looks++
			mu.Unlock()
			<-release
			return nil, nil
		}}
		r := registry(t, nil, hangs)
		for range 3 {
			report, err := r.Now(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(report.Findings); got != "CHECK-COULD-NOT-LOOK check:hangs" {
				t.Errorf("shows %q", got)
			}
		}
		close(release)
		synctest.Wait()
		if looks != 1 {
			t.Errorf("looked %d times at once", looks)
		}
	})
}

func TestHide_theRootCauseHidesItsConsequences(t *testing.T) {
	codes := map[string]Code{
		"ROOT": {BoxWide: true}, "PART": {DependsOn: []string{"ROOT"}}, "WHOLE": {DependsOn: []string{"PART", "ROOT"}},
		"MILD": {BoxWide: true}, "OTHER": {DependsOn: []string{"MILD"}},
	}
	f := func(code, subject string, s appliance.Severity) appliance.Finding {
		return appliance.Finding{Code: code, Subject: subject, Severity: s}
	}
	for name, c := range map[string]struct {
		in   []appliance.Finding
		want []string
	}{
		"a part hides the whole it belongs to": {
			[]appliance.Finding{f("PART", "app:wiki/db", appliance.Critical), f("WHOLE", "app:wiki", appliance.Critical)},
			[]string{"PART app:wiki/db > WHOLE app:wiki"},
		},
		"another app's part explains nothing": {
			[]appliance.Finding{f("PART", "app:wiki/db", appliance.Critical), f("WHOLE", "app:wikipedia", appliance.Critical)},
			[]string{"PART app:wiki/db", "WHOLE app:wikipedia"},
		},
		"a cause of the whole box is named once, at the root": {
			[]appliance.Finding{f("PART", "app:wiki/db", appliance.Warning), f("ROOT", "disk:/", appliance.Critical), f("WHOLE", "app:wiki", appliance.Critical)},
			[]string{"ROOT disk:/ > PART app:wiki/db > WHOLE app:wiki"},
		},
		"a notice explains nothing": {
			[]appliance.Finding{f("MILD", "", appliance.Notice), f("OTHER", "x", appliance.Warning)},
			[]string{"MILD", "OTHER x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range hide(c.in, codes) {
				got = append(got, strings.Join(append([]string{strings.TrimSpace(f.Code + " " + f.Subject)}, f.Hides...), " > "))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNew_refusesChecksThatDoNotFitTogether(t *testing.T) {
	check := func(name string, codes ...Code) Check { return Check{Name: name, Codes: codes} }
	for name, checks := range map[string][]Check{
		"a code twice":     {check("a", Code{Code: "X"}), check("b", Code{Code: "X"})},
		"a check twice":    {check("a"), check("a")},
		"a malformed code": {check("a", Code{Code: "x y"})},
		"a circle":         {check("a", Code{Code: "X", DependsOn: []string{"Y"}}, Code{Code: "Y", DependsOn: []string{"X"}})},
		"an unknown cause": {check("a", Code{Code: "X", DependsOn: []string{"NONE"}})},
	} {
		if _, err := New(Deps{Log: slog.New(slog.DiscardHandler)}, checks...); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestReference_isUpToDate(t *testing.T) {
	const page = "../../docs/reference/checks.md"
	want := Reference(Standard(Facts{}))
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("run go test ./appliance/health -run Reference -update:\n%s", d)
	}
}
