// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"errors"
	"fmt"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// stopped is why a job that a person stopped did not end well.
var stopped = &problem.Problem{
	Code: "job-stopped", Kind: problem.Failed,
	What: "the change was stopped, and what it had done was put back",
	Why:  "somebody asked for it while it ran",
	Next: []string{"start the change again whenever you want to"},
}

// Stop asks a job that runs to go back: the step at work is cut short, and
// everything that was tried is undone, as if that step had failed. It returns at
// once; Follow tells when the job has ended. What it promised holds, also over
// a crash: the job is never finished after that.
// Errors: a Problem "job-unknown", "job-over" for a job that has ended, or
// "job-past-stopping".
func (r *Runner) Stop(ctx context.Context, id appliance.JobID) error {
	job, err := r.Journal.Job(ctx, id)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if cut := r.open[id]; cut != nil {
		cut(stopped)
		delete(r.open, id)
		r.logger(&job).Info("job is to stop")
		return nil
	}
	number := fmt.Sprint(id)
	if job.State != appliance.JobRunning {
		return &problem.Problem{
			Code: "job-over", Kind: problem.Conflict,
			What: "job " + number + " has ended already",
			Why:  "only what runs can be stopped",
			Next: []string{"see how it ended: coopkit job show " + number},
			Args: map[string]string{"job": number},
		}
	}
	return &problem.Problem{
		Code: "job-past-stopping", Kind: problem.Conflict,
		What: "job " + number + " can not be stopped any more",
		Why:  "it goes back already, or it is past the point up to which everything can be put back",
		Next: []string{"wait until it has ended: coopkit job follow " + number},
		Args: map[string]string{"job": number},
	}
}

// Job returns one job, and says whether it can be stopped.
// Errors: a Problem "job-unknown".
func (r *Runner) Job(ctx context.Context, id appliance.JobID) (appliance.Job, error) {
	job, err := r.Journal.Job(ctx, id)
	r.mu.Lock()
	defer r.mu.Unlock()
	job.Stoppable = r.open[id] != nil
	return job, err
}

// openTo lets a job be stopped from now on. Its steps work with the context that
// is returned; release ends it.
func (r *Runner) openTo(ctx context.Context, id appliance.JobID) (work context.Context, release func()) {
	work, cut := context.WithCancelCause(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[id] = cut
	return work, func() {
		r.settle(id)
		cut(nil)
	}
}

// settle lets a job not be stopped any more. Where a job passes its commit point
// this is called first, so that Stop comes either before that or too late.
func (r *Runner) settle(id appliance.JobID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, id)
}

// wasStopped reports whether Stop has cut the work of a job short.
func wasStopped(work context.Context) bool { return errors.Is(context.Cause(work), stopped) }
