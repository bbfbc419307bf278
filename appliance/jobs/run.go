// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/supervise"
)

// run is one job at work, or waiting. Its goroutine owns what stands first.
type run struct {
	r     *Runner
	rec   Record // as in the journal, or about to be
	steps []Step
	ctx   context.Context //nolint:containedctx // of the running agent
	work  context.Context //nolint:containedctx // of the steps; Stop ends it
	feed  *feed
	log   *slog.Logger
	// release frees work.
	release context.CancelCauseFunc
	poke    chan struct{} // wakes it when it waits or is held up

	outMu   sync.Mutex
	outputs map[string]json.RawMessage
	notes   []appliance.Note // of the step at work, not in the journal yet

	// With r.mu held:
	cut     context.CancelCauseFunc // ends work; nil when it can be stopped no more
	cutCall context.CancelFunc      // ends the call of a step that waits; nil outside
	until   time.Time               // when it waits
	early   []chan error            // who wants the waiting to end early
	held    *problem.Problem        // what holds it up
	since   time.Time               // it is held up
	changed chan struct{}           // closed at the next event
}

func newRun(ctx context.Context, r *Runner, rec Record) *run {
	j := &run{
		r: r, rec: rec, ctx: ctx, work: ctx, release: func(error) {}, poke: make(chan struct{}, 1),
		outputs: maps.Clone(rec.Outputs), until: rec.Until, changed: make(chan struct{}),
		log: r.Log.With(slog.String("kind", string(rec.Kind)), slog.String("subject", rec.Subject)),
	}
	if j.outputs == nil {
		j.outputs = map[string]json.RawMessage{}
	}
	j.feed = newFeed(j.writeEvents)
	return j
}

func (j *run) writeEvents(events []appliance.JobEvent) error {
	// Events that an ending agent still has are written too.
	err := j.r.Journal.AddEvents(context.WithoutCancel(j.ctx), j.rec.ID, events)
	if err != nil {
		j.log.Warn("events not recorded", slog.Int64(logkey.Job, int64(j.rec.ID)), slog.Any(logkey.Err, err))
		return err
	}
	j.announce()
	return nil
}

// announce wakes the readers.
func (j *run) announce() {
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	close(j.changed)
	j.changed = make(chan struct{})
}

// tell adds an event.
func (j *run) tell(ev appliance.JobEvent) {
	ev.Job, ev.Time = j.rec.ID, j.r.Now().UTC()
	j.feed.add(ev)
}

// forward does the steps from index from on. When one fails before the commit
// point, everything tried so far is undone.
func (j *run) forward(from int) {
	j.log = j.log.With(slog.Int64(logkey.Job, int64(j.rec.ID)))
	j.log.Info("job goes forward")
	for i := from; i < len(j.steps); i++ {
		if j.rec.Steps[i].State == appliance.StepDone {
			continue
		}
		err := j.insist(i)
		switch name := slog.String(logkey.Step, j.steps[i].Name); {
		case j.stopping(err):
			j.pause(name)
			return
		case err == nil:
			continue
		case wasStopped(j.work):
			j.log.Info("job stopped", name)
			j.rec.Problem = stopped
		default:
			j.log.Warn("step failed", name, slog.Any(logkey.Err, err))
			j.rec.Problem = j.asProblem(err)
		}
		j.settle()
		j.backward(i)
		return
	}
	j.end(appliance.JobDone)
}

// insist does one step. Past the commit point it tries until the step works, and
// goes on without one that is optional.
func (j *run) insist(i int) error {
	for n := 1; ; n++ {
		err := j.do(i)
		if err == nil || !j.rec.Committed || j.stopping(err) {
			return err
		}
		if j.steps[i].Optional {
			j.log.Warn("the job goes on without a step", slog.String(logkey.Step, j.steps[i].Name), slog.Any(logkey.Err, err))
			return nil
		}
		if err := j.holdUp(j.ctx, err, n); err != nil {
			return err
		}
	}
}

// do runs one step between two writes to the journal.
func (j *run) do(i int) error {
	s, step := j.steps[i], &j.rec.Steps[i]
	progress := &stepProgress{j: j, step: s.Name}
	waited, err := j.attempt(i, progress)
	if j.stopping(err) {
		return context.Cause(j.ctx)
	}
	if s.Commit || i == len(j.steps)-1 {
		j.settle()
	}
	if wasStopped(j.work) {
		return stopped // also when it was done by then: what is not recorded as done is put back
	}
	j.r.Boundary(j.rec.Kind, s.Name, "did")
	j.unpark()
	step.Finished, step.Detail, step.Notes = j.r.Now().UTC(), progress.last(), j.takeNotes()
	if err != nil {
		return errors.Join(err, j.failed(i, err))
	}
	return j.done(i, waited)
}

// attempt runs one step, as often as it wants to be called again; waited says
// that the job waited for it.
func (j *run) attempt(i int, p *stepProgress) (waited bool, err error) {
	waited = j.rec.State == appliance.JobWaiting
	err = j.begin(i, p)
	for err != nil {
		w, waits := errors.AsType[*waiting](err)
		if !waits {
			break
		}
		waited = true
		if err = j.park(i, w.until); err == nil {
			err = j.await(i, p)
		}
	}
	return waited, err
}

// done records that a step is done. What was waited for is not given up because
// of a full disk: then it is tried until it is written.
func (j *run) done(i int, waited bool) error {
	step, before := &j.rec.Steps[i], j.rec
	step.State, j.rec.Committed = appliance.StepDone, before.Committed || j.steps[i].Commit
	if j.rec.Committed {
		j.rec.Problem = nil // what held it up is over
	}
	record := j.record
	if waited {
		record = func(i int) error { return j.surely(j.work, i) }
	}
	if err := record(i); err != nil {
		step.State, j.rec.Committed, j.rec.Problem = appliance.StepRunning, before.Committed, before.Problem
		return err
	}
	j.answer(nil)
	j.r.Boundary(j.rec.Kind, j.steps[i].Name, "recorded")
	return nil
}

// begin records that a step is tried, and tries it. A job that waits is not
// begun again: it goes on waiting.
func (j *run) begin(i int, p *stepProgress) error {
	if j.rec.State == appliance.JobWaiting {
		return j.await(i, p)
	}
	step := &j.rec.Steps[i]
	step.State, step.Started, step.Finished, step.Detail = appliance.StepRunning, j.r.Now().UTC(), time.Time{}, ""
	step.Notes = nil
	j.takeNotes() // of a try that failed
	if err := j.record(i); err != nil {
		return err
	}
	j.r.Boundary(j.rec.Kind, j.steps[i].Name, "started")
	return supervise.Recovered(func() error { return j.steps[i].Do(j.within(j.work, i), p) })
}

// failed records that a step did not work, and why.
func (j *run) failed(i int, err error) error {
	p := j.asProblem(err)
	j.rec.Steps[i].State, j.rec.Steps[i].Detail = appliance.StepBad, p.What
	if !j.steps[i].Optional {
		j.rec.Problem = p
	}
	return j.record(i)
}

func (j *run) asProblem(err error) *problem.Problem {
	return problem.From(err, fmt.Sprintf("job %d", j.rec.ID))
}

// record writes the step to the journal and tells the readers.
func (j *run) record(i int) error {
	if err := j.r.Journal.Save(j.ctx, j.rec, i); err != nil {
		return fmt.Errorf("record step: %w", err)
	}
	if i != NoStep {
		step := j.rec.Steps[i]
		j.tell(appliance.JobEvent{Step: step.Name, State: step.State, Text: step.Detail})
	}
	return nil
}

// surely is record that is tried until it works or ctx ends.
func (j *run) surely(ctx context.Context, i int) error {
	for n := 1; ; n++ {
		err := j.record(i)
		if err == nil || j.stopping(err) {
			return err
		}
		if err := j.holdUp(ctx, err, n); err != nil {
			return err
		}
	}
}

// end records how the job ended; it tries until that is written, and the subject
// stays the job's until then. The subject is free before anybody is told:
// whoever hears it may begin the next change at once.
func (j *run) end(state appliance.JobState) {
	j.settle()
	j.rec.State, j.rec.Finished, j.rec.Until = state, j.r.Now().UTC(), time.Time{}
	if err := j.surely(j.ctx, NoStep); err != nil {
		j.pause()
		return
	}
	j.r.disown(j)
	j.tell(appliance.JobEvent{End: state})
	j.feed.close()
	j.gone()
	j.log.Info("job ended", slog.String("state", string(state)), slog.Duration(logkey.Took, j.rec.Finished.Sub(j.rec.Created)))
}

// pause leaves the job as it stands in the journal, for the next start.
func (j *run) pause(attrs ...any) {
	j.log.Info("job left for the next start", attrs...)
	j.release(nil)
	j.feed.close()
}

// gone makes the Runner forget the job, and wakes the readers a last time.
func (j *run) gone() {
	j.r.mu.Lock()
	delete(j.r.runs, j.rec.ID)
	j.r.mu.Unlock()
	j.release(nil)
	j.answer(over(j.rec.ID))
	j.announce()
}

// stopping reports whether err only says that the agent is shutting down; the
// job is then left as it stands, for the next start.
func (j *run) stopping(err error) bool {
	return j.ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(j.ctx)))
}
