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
	"coopkit/internal/supervise"
)

// So often the undoing of a step is tried before the job goes back without it.
// What a person can put right is waited for, a full disk or an engine that does
// not answer: about a day. Anything else is a mistake of ours, and two minutes
// are enough.
const (
	undoTries      = 8
	undoTriesKnown = 300
)

func undoTriesFor(err error) int {
	if _, known := errors.AsType[*problem.Problem](err); known {
		return undoTriesKnown
	}
	return undoTries
}

// backward undoes the steps from index from down to the first. It goes on when
// one cannot be undone; the job is then Failed.
func (j *run) backward(from int) {
	j.recordReason()
	j.r.Boundary(j.rec.Kind, j.steps[from].Name, "failed")
	state := appliance.JobUndone
	for i := from; i >= 0; i-- {
		if s := j.rec.Steps[i].State; s == appliance.StepTodo || s == appliance.StepUndone {
			continue
		}
		if err := j.undo(i); err != nil {
			if j.stopping(err) {
				j.pause()
				return
			}
			j.log.Error("step cannot be undone", slog.String(logkey.Step, j.steps[i].Name), slog.Any(logkey.Err, err))
			state = appliance.JobFailed
		}
	}
	j.end(state)
}

// recordReason writes why the job goes back before it does, so that a crash on
// the way does not lose it, and that a waiting job is not taken for one that
// still waits.
func (j *run) recordReason() {
	j.unpark()
	j.answer(notWaiting(j.rec.ID))
	if err := j.r.Journal.Save(j.ctx, j.rec, NoStep); err != nil && !j.stopping(err) {
		// On a full disk the undoing itself makes room; it must not stop here.
		j.log.Warn("reason not recorded", slog.Any(logkey.Err, err))
	}
	j.announce()
}

func (j *run) undo(i int) error {
	s := j.steps[i]
	if s.Undo != nil {
		for n := 1; ; n++ {
			err := j.undoOnce(i)
			if err == nil {
				break
			}
			if n >= undoTriesFor(err) || j.stopping(err) {
				return err
			}
			if err := j.holdUp(j.ctx, err, n); err != nil {
				return err
			}
		}
	}
	j.r.Boundary(j.rec.Kind, s.Name, "undid")
	if j.rec.Steps[i].State == appliance.StepBad {
		return nil // it stays known as the one that failed
	}
	j.rec.Steps[i].State = appliance.StepUndone
	j.rec.Steps[i].Notes = append(j.rec.Steps[i].Notes, j.takeNotes()...)
	if err := j.record(i); err != nil && !j.stopping(err) {
		j.log.Warn("undone step not recorded", slog.String(logkey.Step, s.Name), slog.Any(logkey.Err, err))
	}
	j.r.Boundary(j.rec.Kind, s.Name, "undone")
	return nil
}

func (j *run) undoOnce(i int) error {
	s := j.steps[i]
	limited, cancel := context.WithTimeout(j.within(j.ctx, i), s.undoLimit())
	defer cancel()
	if err := supervise.Recovered(func() error { return s.Undo(limited) }); err != nil {
		return fmt.Errorf("undo %s: %w", s.Name, err)
	}
	return nil
}

// resume takes up a job that a crash or a restart interrupted: one that waits
// goes on waiting; past the commit point a job is finished, before it everything
// tried is undone.
func (j *run) resume() {
	j.log = j.log.With(slog.Int64(logkey.Job, int64(j.rec.ID)))
	if err := j.rebuild(); err != nil {
		j.log.Error("interrupted job cannot be taken up", slog.Any(logkey.Err, err))
		j.rec.Problem = lost
		j.end(appliance.JobFailed)
		return
	}
	first := 0
	for first < len(j.steps) && j.rec.Steps[first].State == appliance.StepDone {
		first++
	}
	waits := j.rec.State == appliance.JobWaiting && j.rec.Problem == nil
	if waits && !j.rec.Committed {
		j.openToStop()
	}
	if waits || j.rec.Committed || first == len(j.steps) {
		j.forward(first)
		return
	}
	if j.rec.Problem == nil {
		j.rec.Problem = interrupted
	}
	j.log.Info("interrupted job is undone")
	j.backward(len(j.steps) - 1)
}

// rebuild makes the steps again. The recorded ones count: a newer program may
// have others, of which those with the same names are taken. One that was not
// begun and is not needed any more may be missing.
func (j *run) rebuild() error {
	built, err := j.r.build(j.ctx, j.rec.Kind, j.rec.Input)
	if err != nil {
		return err
	}
	byName := map[string]Step{}
	for _, s := range built {
		byName[s.Name] = s
	}
	for _, recorded := range j.rec.Steps {
		s, ok := byName[recorded.Name]
		if !ok && (j.rec.Committed || recorded.State != appliance.StepTodo) {
			return fmt.Errorf("rebuild job: there is no step %q any more", recorded.Name)
		}
		s.Name = recorded.Name
		j.steps = append(j.steps, s)
	}
	return nil
}
