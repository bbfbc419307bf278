// SPDX-License-Identifier: AGPL-3.0-or-later

package jobstest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
	"coopkit/internal/testkit"
)

// course is how a kind of job goes when nothing is done to it.
type course struct {
	kind          Kind
	before, after string
	points        []point // that it passes
	writes        int64   // that it makes
	returns       []*wayBack
}

// wayBack is how it goes when it is stopped at the turn.
type wayBack struct {
	turn   point
	points []point
	writes int64
}

// learn runs the change, and once more for each turn to stop it there.
func learn(t *testing.T, k Kind) *course {
	t.Helper()
	c := &course{kind: k}
	var r *trial
	r = begin(t, k, "undisturbed", func(_ appliance.Change, step, phase string) {
		at := point{step, phase}
		c.points = append(c.points, at)
		if all, err := r.p.Jobs.List(t.Context(), 1); err == nil && phase == "started" && all[0].Stoppable {
			c.returns = append(c.returns, &wayBack{turn: at})
		}
	})
	c.before = r.state()
	var n atomic.Int64
	r.p.FailWrites(func() error { n.Add(1); return nil })
	if err := r.change(); err != nil {
		t.Fatal(err)
	}
	r.end()
	c.writes, c.after = n.Load(), r.state()
	r.close()
	if want := map[bool]appliance.JobState{false: appliance.JobDone, true: appliance.JobUndone}[r.world.Fails]; r.job.State != want {
		t.Fatalf("undisturbed it ends as %s: %v", r.job.State, r.job.Problem)
	}
	if (c.after == c.before) != (r.world.Fails || r.world.NoTrace) {
		t.Fatalf("the change leaves no trace, or one although it fails:\n%s", c.after)
	}
	if len(c.returns) > 0 && !Chaos() { // the last one undoes most
		c.returns = c.returns[len(c.returns)-1:]
	}
	for _, w := range c.returns {
		c.learnReturn(t, w)
	}
	return c
}

func (c *course) learnReturn(t *testing.T, w *wayBack) {
	t.Helper()
	var n atomic.Int64
	over := false
	note := func(at point) {
		if !over {
			w.points = append(w.points, at)
		}
	}
	c.goBack(t, w, "stopped at "+w.turn.String(), func() error { n.Add(1); return nil }, note, func(r *trial) {
		r.end()
		over, w.writes = true, n.Load()
		c.check(r)
	})
}

// goBack starts the change and stops it at the turn. From then on, write is asked
// before each write, and then is told the points that it passes.
func (c *course) goBack(t *testing.T, w *wayBack, what string, write func() error, then func(at point), look func(r *trial)) {
	t.Helper()
	var r *trial
	stopped := false
	r = begin(t, c.kind, what, func(_ appliance.Change, step, phase string) {
		at := point{step, phase}
		switch {
		case stopped:
			then(at)
		case at == w.turn:
			stopped = true
			r.p.FailWrites(write)
			all, err := r.p.Jobs.List(t.Context(), 1)
			if err == nil {
				err = r.p.Jobs.Stop(t.Context(), all[0].ID)
			}
			if err != nil {
				t.Errorf("%s: stop: %v", what, err)
			}
		}
	})
	if err := r.change(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	look(r)
	r.close()
}

// killed kills the job at each point.
func (c *course) killed(t *testing.T) {
	for _, at := range some(c.points, 2) {
		k := newKiller(at)
		r := begin(t, c.kind, "killed at "+at.String(), k.boundary)
		if err := r.change(); err != nil {
			t.Fatal(err)
		}
		r.killedAt(k)
		r.end()
		c.check(r)
		r.close()
	}
}

// killedGoingBack stops the job and kills it at each point on its way back.
func (c *course) killedGoingBack(t *testing.T) {
	for _, w := range c.returns {
		for _, at := range some(w.points, 3) {
			k := newKiller(at)
			what := fmt.Sprintf("stopped at %s, and killed at %s", w.turn, at)
			c.goBack(t, w, what, nil, func(at point) { k.boundary("", at.step, at.phase) }, func(r *trial) {
				r.killedAt(k)
				r.end()
				c.check(r)
			})
		}
	}
}

// fault fails the write of one number, and those that follow until there is
// room, if it is lasting.
type fault struct {
	n, at   int64
	lasting bool
	count   atomic.Int64
	room    atomic.Bool
}

func (f *fault) write() error {
	if i := f.count.Add(1); i == f.at || f.lasting && i > f.at && !f.room.Load() {
		return sqlitedb.DiskFull()
	}
	return nil
}

func (f *fault) String() string {
	return fmt.Sprintf("write %d of %d fails (lasting: %v)", f.at, f.n, f.lasting)
}

// faults are those of n writes.
func faults(n int64) []*fault {
	var numbers []int64
	for i := int64(1); i <= n; i++ {
		numbers = append(numbers, i)
	}
	var all []*fault
	for _, at := range some(numbers, 3) {
		for _, lasting := range []bool{false, true} {
			all = append(all, &fault{n: n, at: at, lasting: lasting})
		}
	}
	return all
}

// recover waits until the job has ended, with room made when it needs some.
func (f *fault) recover(r *trial) {
	r.t.Helper()
	if f.lasting {
		testkit.Eventually(r.t, limit, r.what+": it is held up or has ended", func() bool {
			job, err := r.p.Jobs.Job(r.t.Context(), r.job.ID)
			return err == nil && (job.HeldUp || job.State.Ended())
		})
	}
	f.room.Store(true)
	r.end()
}

// writesFail has each write fail, of the journal and of the steps.
func (c *course) writesFail(t *testing.T) {
	for _, f := range faults(c.writes) {
		r := begin(t, c.kind, f.String(), nil)
		r.p.FailWrites(f.write)
		if err := r.change(); err != nil { // nothing has begun; what came with it may be there until the next start
			f.room.Store(true)
			r.close()
			r.open(nil)
			r.job = appliance.Job{State: appliance.JobUndone, Problem: errNotBegun}
		} else {
			f.recover(r)
		}
		c.check(r)
		r.close()
	}
}

// writesFailGoingBack has each write fail that is made after the job was stopped.
func (c *course) writesFailGoingBack(t *testing.T) {
	for _, w := range c.returns {
		for _, f := range faults(w.writes) {
			what := fmt.Sprintf("stopped at %s, and %s", w.turn, f)
			c.goBack(t, w, what, f.write, func(point) {}, func(r *trial) {
				f.recover(r)
				c.check(r)
			})
		}
	}
}
