// SPDX-License-Identifier: AGPL-3.0-or-later

// Package jobstest ends and breaks every kind of job at every point, and checks
// whether its box is then either as before the change or as after it. The parts
// that have kinds of job give it worlds to do that in; it knows nothing of what
// is in them.
package jobstest

import (
	"context"
	"os"
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
)

// Boundary is what jobs.Deps.Boundary is.
type Boundary func(kind appliance.Change, step, phase string)

// Kind is one kind of job.
type Kind struct {
	Name string
	// World makes a world in which nothing has happened yet. It is called often,
	// at the same time too.
	World func(t *testing.T) World
}

// World is a box, with what is outside its process and outlives it.
type World struct {
	// Open starts the process of the box, which ends with Process.Close.
	Open func(boundary Boundary) (*Process, error)
	// Before makes what the change needs: jobs that must work, or no job at all.
	Before []Start
	// Change starts the job that this is about.
	Change Start
	// State is all that counts, as text, without what differs from world to world
	// (times, secrets, numbers of jobs).
	State func(ctx context.Context, p *Process) (string, error)
	// Fails is set for a kind that can only go back in this world, NoTrace for one
	// that leaves everything as it was also when it works.
	Fails, NoTrace bool
}

// Start starts a job. A zero job means that there was none to do.
type Start func(ctx context.Context, p *Process) (appliance.Job, error)

// With is a Start on the parts of a process.
func With[B any](start func(ctx context.Context, b B) (appliance.Job, error)) Start {
	return func(ctx context.Context, p *Process) (appliance.Job, error) { return start(ctx, p.Parts.(B)) }
}

// Process is a running box.
type Process struct {
	Jobs       *jobs.Runner
	FailWrites func(func() error) // that of its store
	Close      func() error
	Parts      any // for the functions of the World
}

// Chaos reports whether the long series is asked for (make chaos).
func Chaos() bool { return os.Getenv("COOPKIT_CHAOS") != "" }

// Run tries every kind: each point and each write when Chaos is asked for, else
// a fixed part of them, in a -short run a small one.
func Run(t *testing.T, kinds []Kind) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			c := learn(t, k)
			t.Run("killed", c.killed)
			if testing.Short() {
				return
			}
			t.Run("killed while it goes back", c.killedGoingBack)
			t.Run("with writes that fail", c.writesFail)
			t.Run("with writes that fail while it goes back", c.writesFailGoingBack)
		})
	}
}

// some thins a series out, for a short run: the first, the last and each n-th.
func some[T any](all []T, n int) []T {
	if Chaos() || len(all) < 3 {
		return all
	}
	var few []T
	for i, v := range all {
		if i == 0 || i == len(all)-1 || i%n == 0 {
			few = append(few, v)
		}
	}
	return few
}
