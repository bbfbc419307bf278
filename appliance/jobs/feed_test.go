// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
)

// TestFeed_aLongLogIsFewWritesAndIsCapped has a step say more lines than stay.
func TestFeed_aLongLogIsFewWritesAndIsCapped(t *testing.T) {
	t.Parallel()
	const lines = 10_000
	r, s := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	var writes atomic.Int64
	s.FailWrites(func() error { writes.Add(1); return nil })
	r.Register("build", one(func(_ context.Context, p appliance.Progress) error {
		for i := range lines {
			p.Log(fmt.Sprintf("line %d", i))
		}
		p.Log("é" + strings.Repeat("é", 5000))
		return nil
	}))
	job, err := r.Start(t.Context(), "build", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	stored := end(t, r, job.ID)
	if n := writes.Load(); n > lines/50 {
		t.Errorf("%d lines took %d transactions", lines, n)
	}
	if d := stored.Steps[0].Detail; len(d) > 2100 || !strings.HasSuffix(d, "é …") {
		t.Errorf("the last line is stored with %d bytes", len(d))
	}
	for _, after := range []int64{0, 500, 5000, lines - 10} {
		seen, shown, gone := after, int64(0), int64(0)
		var last appliance.JobEvent
		if err := r.Follow(t.Context(), job.ID, after, func(ev appliance.JobEvent) error {
			if ev.Seq != seen+max(ev.Gone, 1) {
				t.Errorf("number %d (%d gone) follows %d", ev.Seq, ev.Gone, seen)
			}
			seen, last = ev.Seq, ev
			if ev.Gone > 0 {
				gone += ev.Gone
			} else {
				shown++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if shown+gone != lines+4-after || shown > 2600 || last.End != appliance.JobDone { // begun, the long line, done, the end
			t.Errorf("after %d: %d events and %d gone, the last is %+v", after, shown, gone, last)
		}
	}
}

// TestFeed_linesAreSeenAtOnceAndInOrder follows a step that says a line and
// waits until it was seen.
func TestFeed_linesAreSeenAtOnceAndInOrder(t *testing.T) {
	t.Parallel()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	seen := make(chan string, 100)
	r.Register("build", one(func(ctx context.Context, p appliance.Progress) error {
		for i := range 5 {
			line := fmt.Sprintf("line %d", i)
			p.Log(line)
			select {
			case got := <-seen:
				if got != line {
					return fmt.Errorf("saw %q instead of %q", got, line)
				}
			case <-time.After(5 * time.Second):
				return fmt.Errorf("nobody saw %q", line)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		p.Log("and the last")
		return nil
	}))
	job, err := r.Start(t.Context(), "build", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Follow(t.Context(), job.ID, 0, func(ev appliance.JobEvent) error {
		if strings.HasPrefix(ev.Text, "line") {
			seen <- ev.Text
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if job := end(t, r, job.ID); job.State != appliance.JobDone || job.Steps[0].Detail != "and the last" {
		t.Errorf("%+v", job)
	}
}
