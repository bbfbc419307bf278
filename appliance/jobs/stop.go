// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
)

// Stop asks a job that runs or waits to go back: the step at work is cut short,
// and everything that was tried is undone, as if that step had failed. It returns
// at once; Follow tells when the job has ended. What it promised holds, also
// over a crash: the job is never finished after that, and says why.
// Errors: a Problem "job-unknown", "job-over" for a job that has ended,
// "job-held-up" for one that cannot end now, or "job-past-stopping".
func (r *Runner) Stop(ctx context.Context, id appliance.JobID) error {
	job, err := r.Journal.Job(ctx, id)
	if err != nil {
		return err
	}
	if cut, err := r.tryCut(id, job.State); !cut {
		return err
	}
	// The job may have been cut before its reason is written: nobody was promised
	// anything yet.
	if err := r.Journal.SetProblem(context.WithoutCancel(ctx), id, stopped); err != nil {
		r.Log.Warn("reason not recorded", slog.Int64(logkey.Job, int64(id)), slog.Any(logkey.Err, err))
	}
	return nil
}

func (r *Runner) tryCut(id appliance.JobID, state appliance.JobState) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.runs[id]
	switch {
	case j == nil && state.Ended():
		return false, over(id)
	case j != nil && j.cut != nil:
		j.cut(stopped)
		j.cut, j.until = nil, time.Time{} // it waits no more
		return true, nil
	case j != nil && j.held != nil:
		return false, heldUp(id, j.held)
	default:
		return false, pastStopping(id)
	}
}

// openToStop lets a job be stopped from now on: its steps work with a context
// that Stop ends.
func (j *run) openToStop() {
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	j.work, j.release = context.WithCancelCause(j.ctx)
	j.cut = j.release
}

// settle lets a job not be stopped any more. Where a job passes its commit point
// this is called first, so that Stop comes either before that or too late.
func (j *run) settle() {
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	j.cut = nil
}

// wasStopped reports whether Stop has cut the work of a job short.
func wasStopped(work context.Context) bool { return errors.Is(context.Cause(work), stopped) }
