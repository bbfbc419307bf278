// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"coopkit/appliance"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// forward does the steps from index from on; they work with a context of their
// own, which Stop ends. When one fails before the commit point, everything tried
// so far is undone.
func (r *Runner) forward(ctx, work context.Context, rec Record, steps []Step, from int) {
	log := r.logger(&rec.Job)
	log.Info("job started")
	for i := from; i < len(steps); i++ {
		err := r.do(ctx, work, &rec, steps[i], i)
		if stopping(ctx, err) {
			log.Info("job left for the next start", slog.String(logkey.Step, steps[i].Name))
			return
		}
		if err == nil {
			continue
		}
		r.settle(rec.ID)
		if wasStopped(work) {
			log.Info("job stopped", slog.String(logkey.Step, steps[i].Name))
			rec.Problem = stopped
			r.backward(ctx, rec, steps, i)
			return
		}
		log.Warn("step failed", slog.String(logkey.Step, steps[i].Name), slog.Any(logkey.Err, err))
		rec.Problem = problem.From(err, fmt.Sprintf("job %d", rec.ID))
		if rec.Committed {
			r.end(ctx, rec, appliance.JobFailed)
			return
		}
		r.backward(ctx, rec, steps, i)
		return
	}
	r.end(ctx, rec, appliance.JobDone)
}

// do runs one step between two writes to the journal.
func (r *Runner) do(ctx, work context.Context, rec *Record, s Step, i int) error {
	step := &rec.Steps[i]
	step.State, step.Started, step.Detail = appliance.StepRunning, r.Now().UTC(), ""
	if err := r.record(ctx, rec, i, false); err != nil {
		return err
	}
	r.Boundary(rec.Kind, s.Name, "started")
	progress := &stepProgress{r: r, ctx: ctx, job: rec.ID, step: s.Name}
	err := s.Do(work, progress)
	if stopping(ctx, err) {
		return context.Cause(ctx)
	}
	if s.Commit || i == len(rec.Steps)-1 {
		r.settle(rec.ID)
	}
	if wasStopped(work) {
		return stopped // also when it was done by then: what is not recorded as done is put back
	}
	r.Boundary(rec.Kind, s.Name, "did")
	step.Finished, step.Detail = r.Now().UTC(), progress.last()
	if err != nil {
		step.State, step.Detail = appliance.StepBad, problem.From(err, "see the agent's log").What
		return errors.Join(err, r.record(ctx, rec, i, rec.Committed))
	}
	step.State = appliance.StepDone
	rec.Committed = rec.Committed || s.Commit
	if err := r.record(ctx, rec, i, rec.Committed); err != nil {
		return err
	}
	r.Boundary(rec.Kind, s.Name, "recorded")
	return nil
}

// backward undoes the steps from index from down to the first. It goes on when
// one can not be undone; the job is then Failed.
func (r *Runner) backward(ctx context.Context, rec Record, steps []Step, from int) {
	state := appliance.JobUndone
	for i := from; i >= 0; i-- {
		if rec.Steps[i].State == appliance.StepTodo || rec.Steps[i].State == appliance.StepUndone {
			continue
		}
		if err := r.undo(ctx, &rec, steps[i], i); err != nil {
			if stopping(ctx, err) {
				return
			}
			r.logger(&rec.Job).Error("step can not be undone",
				slog.String(logkey.Step, steps[i].Name), slog.Any(logkey.Err, err))
			state = appliance.JobFailed
		}
	}
	r.end(ctx, rec, state)
}

func (r *Runner) undo(ctx context.Context, rec *Record, s Step, i int) error {
	if s.Undo != nil {
		limited, cancel := context.WithTimeout(ctx, undoLimit)
		defer cancel()
		if err := s.Undo(limited); err != nil {
			return fmt.Errorf("undo %s: %w", s.Name, err)
		}
	}
	r.Boundary(rec.Kind, s.Name, "undid")
	if rec.Steps[i].State == appliance.StepBad {
		return nil // it stays known as the one that failed
	}
	rec.Steps[i].State = appliance.StepUndone
	if err := r.record(ctx, rec, i, false); err != nil {
		// On a full disk the undoing itself makes room; it must not stop here.
		r.logger(&rec.Job).Warn("undone step not recorded", slog.String(logkey.Step, s.Name), slog.Any(logkey.Err, err))
	}
	return nil
}

// record writes the step to the journal and tells the readers.
func (r *Runner) record(ctx context.Context, rec *Record, i int, committed bool) error {
	step := rec.Steps[i]
	if err := r.Journal.SetStep(ctx, rec.ID, i, step, committed); err != nil {
		return fmt.Errorf("record step: %w", err)
	}
	r.tell(ctx, appliance.JobEvent{Job: rec.ID, Step: step.Name, State: step.State, Text: step.Detail})
	return nil
}

// end records how the job ended, and frees its subject before anybody is told: who
// hears it may begin the next change at once.
func (r *Runner) end(ctx context.Context, rec Record, state appliance.JobState) {
	rec.State, rec.Finished = state, r.Now().UTC()
	log := r.logger(&rec.Job)
	err := r.Journal.EndJob(ctx, rec.Job)
	r.release(rec.Subject)
	if err != nil {
		log.Error("end of job not recorded; the next start takes it up again", slog.Any(logkey.Err, err))
		return
	}
	r.tell(ctx, appliance.JobEvent{Job: rec.ID, End: state})
	log.Info("job ended", slog.String("state", string(state)), slog.Duration(logkey.Took, rec.Finished.Sub(rec.Created)))
}

// rebuild finds the steps of a job by their names: another program may have
// begun it, which knew more steps or fewer.
func (r *Runner) rebuild(ctx context.Context, rec Record) ([]Step, error) {
	built, err := r.build(ctx, rec.Kind, rec.Input)
	if err != nil {
		return nil, err
	}
	byName := map[string]Step{}
	for _, s := range built {
		byName[s.Name] = s
	}
	steps := make([]Step, len(rec.Steps))
	for i, recorded := range rec.Steps {
		s, ok := byName[recorded.Name]
		if !ok && (rec.Committed || recorded.State != appliance.StepTodo) {
			return nil, fmt.Errorf("rebuild job: there is no step %q any more", recorded.Name)
		}
		s.Name, steps[i] = recorded.Name, s
	}
	return steps, nil
}

// recover takes up a job that a crash interrupted: past the commit point it is
// finished, before it everything tried is undone.
func (r *Runner) recover(ctx context.Context, rec Record) {
	log := r.logger(&rec.Job)
	steps, err := r.rebuild(ctx, rec)
	if err != nil {
		log.Error("interrupted job can not be taken up", slog.Any(logkey.Err, err))
		rec.Problem = &problem.Problem{
			Code: "job-lost", Kind: problem.Failed,
			What: "a change was interrupted and can not be taken up again",
			Why:  "the steps of it could not be worked out from its record",
			Next: []string{"coopkit doctor", "ask your support desk"},
		}
		r.end(ctx, rec, appliance.JobFailed)
		return
	}
	first := 0
	for first < len(rec.Steps) && rec.Steps[first].State == appliance.StepDone {
		first++
	}
	if rec.Committed || first == len(steps) {
		log.Info("interrupted job goes on")
		r.forward(ctx, ctx, rec, steps, first)
		return
	}
	log.Info("interrupted job is undone")
	if rec.Problem == nil {
		rec.Problem = &problem.Problem{
			Code: "job-interrupted", Kind: problem.Failed,
			What: "the agent ended in the middle of this change, so the change was undone",
			Why:  "a restart, a crash or a power cut",
			Next: []string{"try the change again"},
		}
	}
	r.backward(ctx, rec, steps, len(steps)-1)
}
