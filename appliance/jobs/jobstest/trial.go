// SPDX-License-Identifier: AGPL-3.0-or-later

package jobstest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// errNotBegun stands for the problem of a change that could not even begin.
var errNotBegun = &problem.Problem{What: "it did not begin"}

// limit bounds one change.
const limit = time.Minute

// point is a boundary of a job.
type point struct{ step, phase string }

func (p point) String() string { return p.step + ":" + p.phase }

// trial is one change in a world of its own.
type trial struct {
	t     *testing.T
	what  string // what is done to it
	world World
	p     *Process
	job   appliance.Job
}

// begin makes a world in which everything is ready for the change.
func begin(t *testing.T, k Kind, what string, boundary Boundary) *trial {
	t.Helper()
	r := &trial{t: t, what: what, world: k.World(t)}
	ready := false
	r.open(func(kind appliance.Change, step, phase string) {
		if ready && boundary != nil {
			boundary(kind, step, phase)
		}
	})
	for _, start := range r.world.Before {
		if err := r.done(start); err != nil {
			t.Fatalf("%s: prepare: %v", what, err)
		}
	}
	ready = true
	return r
}

func (r *trial) open(boundary Boundary) {
	r.t.Helper()
	p, err := r.world.Open(boundary)
	if err != nil {
		r.t.Fatalf("%s: open: %v", r.what, err)
	}
	p.Jobs.Backoff = func(int) time.Duration { return 5 * time.Millisecond }
	r.p = p
}

// done does a job that must work.
func (r *trial) done(start Start) error {
	job, err := start(r.t.Context(), r.p)
	if err != nil || job.ID == 0 {
		return err
	}
	r.job = job
	r.end()
	if r.job.State != appliance.JobDone {
		return fmt.Errorf("%s ended as %s: %w", r.job.Kind, r.job.State, r.job.Problem)
	}
	return nil
}

func (r *trial) close() {
	r.t.Helper()
	if err := r.p.Close(); err != nil {
		r.t.Fatalf("%s: close: %v", r.what, err)
	}
}

func (r *trial) state() string {
	r.t.Helper()
	s, err := r.world.State(r.t.Context(), r.p)
	if err != nil {
		r.t.Fatalf("%s: state: %v", r.what, err)
	}
	return s
}

// change starts the change; it reports whether that worked.
func (r *trial) change() error {
	job, err := r.world.Change(r.t.Context(), r.p)
	if err == nil {
		r.job = job
	}
	return err
}

// end waits until the job has ended.
func (r *trial) end() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), limit)
	defer cancel()
	err := r.p.Jobs.Follow(ctx, r.job.ID, 0, func(appliance.JobEvent) error { return nil })
	if err == nil {
		r.job, err = r.p.Jobs.Job(ctx, r.job.ID)
	}
	if err != nil {
		r.t.Fatalf("%s: the job did not end: %v", r.what, err)
	}
}

// check checks whether the box is as the job's state says, and that the same
// change works now if it did not.
func (c *course) check(r *trial) {
	r.t.Helper()
	r.p.FailWrites(nil)
	want := c.before
	switch {
	case r.job.State == appliance.JobDone && !r.world.Fails:
		want = c.after
	case r.job.State == appliance.JobUndone && r.job.Problem != nil:
	default:
		r.t.Errorf("%s: it ended as %s: %v", r.what, r.job.State, r.job.Problem)
		return
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(r.state(), "\n")); diff != "" {
		r.t.Errorf("%s: it ended as %s (%v), and (-should be +is):\n%s", r.what, r.job.State, r.job.Problem, diff)
		return
	}
	if r.job.State == appliance.JobDone {
		return
	}
	if err := r.change(); err != nil {
		r.t.Errorf("%s: the same change, then: %v", r.what, err)
		return
	}
	r.end()
	want = c.after
	if r.world.Fails {
		want = c.before
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(r.state(), "\n")); diff != "" {
		r.t.Errorf("%s: the same change, then, ended as %s: %v\n%s", r.what, r.job.State, r.job.Problem, diff)
	}
}

// killer ends the goroutine of a job at a point. Nothing of the job runs after
// that, and what it did is all there: to the next start it is a kill -9.
type killer struct {
	at   point
	once sync.Once
	dead chan struct{}
}

func newKiller(at point) *killer { return &killer{at: at, dead: make(chan struct{})} }

func (k *killer) boundary(_ appliance.Change, step, phase string) {
	if (point{step, phase}) != k.at {
		return
	}
	hit := false
	k.once.Do(func() { hit = true; close(k.dead) })
	if hit {
		runtime.Goexit()
	}
}

// killedAt waits until the job is dead, and starts the box again.
func (r *trial) killedAt(k *killer) {
	r.t.Helper()
	select {
	case <-k.dead:
	case <-time.After(limit):
		r.t.Fatalf("%s: it never came there", r.what)
	}
	r.close()
	r.open(nil)
}
