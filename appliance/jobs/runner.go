// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"coopkit/appliance"
)

// Deps is what a Runner needs.
type Deps struct {
	Journal Journal
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
	// Backoff is how long to wait before the n-th new try of what must not be
	// given up, n from 1; nil: a second, doubling up to five minutes.
	Backoff func(n int) time.Duration
	// Boundary, when set, is called between the journal's writes and the steps;
	// the crash tests end the process there.
	Boundary func(kind appliance.Change, step, phase string)
}

// Runner runs jobs: one at a time per subject, any number at once. It is safe
// for concurrent use.
type Runner struct {
	Deps
	builders map[appliance.Change]Builder

	mu      sync.Mutex
	working map[string]*claim        // by subject: who is at work on it
	owner   map[string]*run          // by subject: the job that has it, at work or waiting
	runs    map[appliance.JobID]*run // that have not ended
	base    context.Context          // of the running agent; nil before Run
	wg      sync.WaitGroup
}

// New makes a Runner. Register the kinds, then Run it.
func New(d Deps) *Runner {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Backoff == nil {
		d.Backoff = backoff
	}
	if d.Boundary == nil {
		d.Boundary = func(appliance.Change, string, string) {}
	}
	return &Runner{
		Deps: d, builders: map[appliance.Change]Builder{},
		working: map[string]*claim{}, owner: map[string]*run{}, runs: map[appliance.JobID]*run{},
	}
}

// Register says how the steps of a kind are made. Call it before Run.
func (r *Runner) Register(kind appliance.Change, b Builder) { r.builders[kind] = b }

// Run first takes up the jobs that a crash left behind, then lets new ones
// start, until ctx ends. Jobs that still run then stay in the journal as
// running and are taken up at the next start. ready is closed as soon as new
// jobs may start.
func (r *Runner) Run(ctx context.Context, ready chan<- struct{}) error {
	left, err := r.Journal.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("read unfinished jobs: %w", err)
	}
	r.mu.Lock()
	r.base = ctx
	for _, rec := range left {
		j := newRun(ctx, r, rec)
		r.owner[rec.Subject], r.runs[rec.ID] = j, j
		r.working[rec.Subject] = &claim{gone: make(chan struct{})}
		r.wg.Go(j.resume)
	}
	r.mu.Unlock()
	close(ready)
	<-ctx.Done()
	r.wg.Wait()
	return nil
}

// Start begins a job and returns at once; the job goes on when ctx ends. An
// exclusive caller that holds the subject gives way first.
// Errors: a Problem "job-running", "job-waiting" or "job-held-up" when another
// job has the subject, "agent-stopping" outside Run, or what the builder finds
// wrong with the input.
func (r *Runner) Start(ctx context.Context, kind appliance.Change, subject string, input any) (appliance.Job, error) {
	return r.StartWith(ctx, kind, subject, nil, input)
}

// StartWith is Start with the values in the words about the job. Who asked for
// it says ctx (appliance.WithBy).
func (r *Runner) StartWith(ctx context.Context, kind appliance.Change, subject string, args map[string]string, input any) (appliance.Job, error) {
	raw, err := json.Marshal(input)
	if err != nil {
		return appliance.Job{}, fmt.Errorf("record input of job: %w", err)
	}
	steps, err := r.build(ctx, kind, raw)
	if err != nil {
		return appliance.Job{}, err
	}
	rec := Record{Input: raw, Job: appliance.Job{
		Kind: kind, Subject: subject, Args: args, By: appliance.ByOf(ctx), State: appliance.JobRunning, Created: r.Now().UTC(), Steps: outline(steps),
	}}
	j, err := r.own(ctx, rec)
	if err != nil {
		return appliance.Job{}, err
	}
	id, err := r.Journal.CreateJob(ctx, rec)
	if err != nil {
		r.disown(j)
		return appliance.Job{}, err
	}
	j.rec.ID, j.steps = id, steps
	job := j.rec.Job // a copy for the caller: the run changes its own
	job.Steps = append([]appliance.JobStep(nil), j.rec.Steps...)
	r.mu.Lock()
	r.runs[id] = j
	r.mu.Unlock()
	j.openToStop()
	r.wg.Go(func() { j.forward(0) }) //nolint:contextcheck // the job goes on when the caller has gone
	return job, nil
}

func (r *Runner) build(ctx context.Context, kind appliance.Change, input json.RawMessage) ([]Step, error) {
	b, ok := r.builders[kind]
	if !ok {
		return nil, fmt.Errorf("build job: kind %q is not registered", kind)
	}
	steps, err := b(ctx, input)
	for i, s := range steps {
		steps[i].Name = cmp.Or(s.Name, string(s.Code))
	}
	return steps, err
}

// Outline says which steps a job of that kind would have, for its plan. Nothing
// is changed.
func (r *Runner) Outline(ctx context.Context, kind appliance.Change, input any) ([]appliance.PlanStep, error) {
	raw, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("outline job: %w", err)
	}
	steps, err := r.build(ctx, kind, raw)
	if err != nil {
		return nil, err
	}
	out := make([]appliance.PlanStep, len(steps))
	committed := false
	for i, s := range steps {
		out[i] = appliance.PlanStep{Name: s.Name, Code: s.Code, Args: s.Args, Destructive: s.Destroys, Fails: appliance.FailUndone}
		switch {
		case s.Optional:
			out[i].Fails = appliance.FailSkipped
		case committed:
			out[i].Fails = appliance.FailAgain
		case !undoes(steps[:i+1]):
			out[i].Fails = appliance.FailNothing
		}
		committed = committed || s.Commit
	}
	return out, nil
}

// undoes reports whether there is anything to put back of these steps.
func undoes(steps []Step) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return s.Undo != nil })
}

func outline(steps []Step) []appliance.JobStep {
	out := make([]appliance.JobStep, len(steps))
	for i, s := range steps {
		out[i] = appliance.JobStep{Name: s.Name, Code: s.Code, Args: s.Args, State: appliance.StepTodo}
	}
	return out
}

// Job returns one job, with what only the run of it knows: whether it can be
// stopped, and what holds it up. Errors: a Problem "job-unknown".
func (r *Runner) Job(ctx context.Context, id appliance.JobID) (appliance.Job, error) {
	job, err := r.Journal.Job(ctx, id)
	r.live(&job)
	return job, err
}

// List returns the newest jobs, newest first, as Job does; with limit 0 all that
// are kept.
func (r *Runner) List(ctx context.Context, limit int) ([]appliance.Job, error) {
	if limit == 0 {
		limit = -1 // the journal's word for all
	}
	all, err := r.Journal.Jobs(ctx, limit)
	for i := range all {
		r.live(&all[i])
	}
	return all, err
}

func (r *Runner) live(job *appliance.Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.runs[job.ID]
	if j == nil {
		return
	}
	job.Stoppable = j.cut != nil
	if j.held != nil {
		job.Problem, job.HeldUp = j.held, true
	}
}
