// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// undoLimit bounds the undoing of one step, so that a hanging part can not
// keep a job open for ever.
const undoLimit = 5 * time.Minute

// Deps is what a Runner needs.
type Deps struct {
	Journal Journal
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
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
	busy    map[string]*claim                           // by subject
	open    map[appliance.JobID]context.CancelCauseFunc // jobs that can be stopped
	changed map[appliance.JobID]chan struct{}
	base    context.Context // of the running agent; nil before Run
	wg      sync.WaitGroup
}

// claim is who changes a subject now.
type claim struct {
	giveWay context.CancelFunc // of an exclusive caller; nil for a job, which gives way to nobody
	gone    chan struct{}      // closed when the subject is free again
}

// New makes a Runner. Register the kinds, then Run it.
func New(d Deps) *Runner {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Boundary == nil {
		d.Boundary = func(appliance.Change, string, string) {}
	}
	return &Runner{
		Deps: d, builders: map[appliance.Change]Builder{},
		busy: map[string]*claim{}, open: map[appliance.JobID]context.CancelCauseFunc{}, changed: map[appliance.JobID]chan struct{}{},
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
		r.busy[rec.Subject] = &claim{gone: make(chan struct{})}
	}
	r.mu.Unlock()
	for _, rec := range left {
		r.wg.Go(func() { r.recover(ctx, rec) })
	}
	close(ready)
	<-ctx.Done()
	r.wg.Wait()
	return nil
}

// Start begins a job and returns at once; the job goes on when ctx ends. An
// exclusive caller that holds the subject gives way first.
// Errors: a Problem "job-running" when the subject is busy, "agent-stopping"
// outside Run, or what the builder finds wrong with the input.
func (r *Runner) Start(ctx context.Context, kind appliance.Change, subject string, input any) (appliance.Job, error) {
	raw, err := json.Marshal(input)
	if err != nil {
		return appliance.Job{}, fmt.Errorf("record input of job: %w", err)
	}
	steps, err := r.build(ctx, kind, raw)
	if err != nil {
		return appliance.Job{}, err
	}
	base, err := r.take(ctx, subject)
	if err != nil {
		return appliance.Job{}, err
	}
	rec := Record{Input: raw, Job: appliance.Job{
		Kind: kind, Subject: subject, State: appliance.JobRunning, Created: r.Now().UTC(), Steps: outline(steps),
	}}
	id, err := r.Journal.CreateJob(ctx, rec)
	if err != nil {
		r.release(subject)
		return appliance.Job{}, err
	}
	rec.ID = id
	job := rec.Job // a copy for the caller: the run changes its own
	job.Steps = append([]appliance.JobStep(nil), rec.Steps...)
	work, release := r.openTo(base, id)
	r.wg.Go(func() {
		defer release()
		r.forward(base, work, rec, steps, 0)
	})
	return job, nil
}

// Exclusive runs fn while no job can change the subject. It returns false, at
// once, when somebody does already. What a person asks for goes first: fn's
// context ends when a job is started for the subject, and the job waits until
// fn has returned.
func (r *Runner) Exclusive(ctx context.Context, subject string, fn func(ctx context.Context)) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.mu.Lock()
	free := r.base != nil && r.base.Err() == nil && r.busy[subject] == nil
	if free {
		r.busy[subject] = &claim{giveWay: cancel, gone: make(chan struct{})}
	}
	r.mu.Unlock()
	if !free {
		return false
	}
	defer r.release(subject)
	fn(ctx)
	return true
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

// take claims the subject for a job, after whoever gives way has gone.
func (r *Runner) take(ctx context.Context, subject string) (context.Context, error) {
	for {
		base, other, err := r.tryTake(subject)
		if other == nil {
			return base, err
		}
		other.giveWay()
		select {
		case <-other.gone:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// tryTake claims the subject, or returns who has to give way first.
func (r *Runner) tryTake(subject string) (context.Context, *claim, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.base == nil || r.base.Err() != nil {
		return nil, nil, &problem.Problem{
			Code: "agent-stopping", Kind: problem.Unavailable,
			What: "the agent is starting or stopping, so no change can begin now",
			Next: []string{"try again in a few seconds"},
		}
	}
	if other := r.busy[subject]; other != nil {
		if other.giveWay == nil {
			return nil, nil, Busy(subject)
		}
		return nil, other, nil
	}
	r.busy[subject] = &claim{gone: make(chan struct{})}
	return r.base, nil, nil
}

func (r *Runner) release(subject string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.busy[subject].gone)
	delete(r.busy, subject)
}

func outline(steps []Step) []appliance.JobStep {
	out := make([]appliance.JobStep, len(steps))
	for i, s := range steps {
		out[i] = appliance.JobStep{Name: s.Name, Code: s.Code, Args: s.Args, State: appliance.StepTodo}
	}
	return out
}

// logger names the job in every line.
func (r *Runner) logger(job *appliance.Job) *slog.Logger {
	return r.Log.With(slog.Int64(logkey.Job, int64(job.ID)), slog.String("kind", string(job.Kind)), slog.String("subject", job.Subject))
}

// stopping reports whether err only says that the agent is shutting down; the
// job is then left as it stands, for the next start.
func stopping(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)))
}

// Working reports whether a job is changing the subject.
func (r *Runner) Working(subject string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.busy[subject]
	return c != nil && c.giveWay == nil
}
