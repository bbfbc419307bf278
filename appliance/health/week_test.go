// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
)

// moody is a check that finds what it is told.
func moody(severity *atomic.Int64) Check {
	return Check{
		Name: "app", Title: "apps", Codes: []Code{{Code: "APP-DOWN", Severity: appliance.Critical}},
		Run: func(context.Context) ([]appliance.Finding, error) {
			s := appliance.Severity(severity.Load())
			if s == appliance.OK {
				return nil, nil
			}
			return []appliance.Finding{{Code: "APP-DOWN", Subject: "app:chat", Severity: s}}, nil
		},
	}
}

func TestWeek_keepsTheWorstOfEachDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var severity atomic.Int64
		store := &memory{}
		r := registry(t, store, moody(&severity))
		stop := start(t, r)
		begin := time.Now()
		date := func(days int) string { return dateOf(begin, days) }

		severity.Store(int64(appliance.Warning))
		pass(t, 10*time.Minute)
		severity.Store(int64(appliance.Critical))
		pass(t, 10*time.Minute)
		severity.Store(int64(appliance.OK))
		pass(t, 3*time.Hour)
		if store.written != 3 {
			t.Errorf("a day with three changes was written %d times", store.written)
		}
		pass(t, 24*time.Hour)
		stop()

		// The box is off for two days, then the program remembers.
		pass(t, 48*time.Hour)
		r = registry(t, store, moody(&severity))
		defer start(t, r)()
		week, err := r.Week(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		bad := map[string]appliance.Severity{"app:chat": appliance.Critical}
		want := []appliance.Day{
			{Date: date(-3)},
			{Date: date(-2)},
			{Date: date(-1)},
			{Date: date(0), Looked: true, Worst: bad},
			{Date: date(1), Looked: true, Worst: map[string]appliance.Severity{}},
			{Date: date(2)},
			{Date: date(3), Looked: true, Worst: map[string]appliance.Severity{}},
		}
		if d := cmp.Diff(want, week); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	})
}

func TestWeek_isWrittenOnceThereIsRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var severity atomic.Int64
		store := &memory{full: true}
		r := registry(t, store, moody(&severity))
		defer start(t, r)()
		pass(t, 5*time.Minute)
		store.mu.Lock()
		store.full = false
		store.mu.Unlock()
		pass(t, writeAgainAfter+time.Minute)
		if week, err := r.Week(t.Context()); err != nil || !week[6].Looked {
			t.Errorf("today is not kept: %+v, %v", week, err)
		}
		if store.written != 1 {
			t.Errorf("it was written %d times", store.written)
		}
	})
}
