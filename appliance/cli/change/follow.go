// SPDX-License-Identifier: AGPL-3.0-or-later

package change

import (
	"context"
	"errors"
	"strconv"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
	"coopkit/internal/term"
)

// An agent that goes away while a job is followed is waited for: jobs outlive
// its restart.
const (
	comeBackTries = 30
	comeBackWait  = time.Second
)

// shortWait is how long a job may wait and still be followed.
const shortWait = time.Minute

func id(j appliance.JobID) string { return strconv.FormatInt(int64(j), 10) }

// Follow shows the job until it ends, then says what came of it with done
// (which may be nil); of one that waits it says until when. When ctx ends first,
// it leaves, and the job goes on.
func Follow(ctx context.Context, env *base.Env, id appliance.JobID, done func(context.Context, appliance.Job) error) error {
	b := env.Agent()
	job, err := b.Jobs.Job(ctx, id)
	if err != nil {
		return left(ctx, id, err)
	}
	v, err := newView(env, job)
	if err != nil {
		return err
	}
	job, err = follow(ctx, b.Jobs, id, v)
	err = errors.Join(err, v.end(job))
	if err != nil {
		return left(ctx, id, err)
	}
	if env.JSON {
		if err := env.Show(job, nil); err != nil {
			return err
		}
		done = nil
	}
	if job.State == appliance.JobWaiting {
		return waits(env, job)
	}
	if err := outcome(job); err != nil || done == nil {
		return err
	}
	return done(ctx, job)
}

// waits says what can be done about a job that waits.
func waits(env *base.Env, job appliance.Job) error {
	if env.JSON {
		return nil
	}
	return env.Say("\nJob %[1]d waits until %[2]s, and then goes on by itself.\n"+
		"To make it final now: coopkit job finish %[1]d\nTo have it go back: coopkit job stop %[1]d\n", job.ID, term.Time(job.Until))
}

// follow feeds the view until the job has ended, or will wait for a while.
func follow(ctx context.Context, jobs control.Jobs, id appliance.JobID, v view) (appliance.Job, error) {
	after := int64(0)
	for tries := 0; ; {
		seen := after
		err := jobs.Follow(ctx, id, after, func(e appliance.JobEvent) error {
			after = e.Seq
			return v.event(e)
		})
		var job appliance.Job
		if err == nil {
			job, err = jobs.Job(ctx, id)
		}
		switch {
		case err == nil && (job.State.Ended() || time.Until(job.Until) > shortWait):
			return job, nil
		case ctx.Err() != nil:
			return job, ctx.Err()
		case err != nil && !away(err):
			return job, err
		}
		if tries++; after > seen {
			tries = 0
		}
		if err != nil && tries == 1 {
			if err := v.away(); err != nil {
				return job, err
			}
		}
		if tries > comeBackTries {
			return job, err
		}
		if err := wait(ctx, comeBackWait); err != nil {
			return job, err
		}
	}
}

// away tells whether the agent is gone for now.
func away(err error) bool {
	return errors.Is(err, &problem.Problem{Code: "agent-went-away"}) ||
		errors.Is(err, &problem.Problem{Code: "agent-stopping"}) ||
		errors.Is(err, &problem.Problem{Code: "agent-not-running"})
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// left explains the end of ctx: only the watching ended.
func left(ctx context.Context, job appliance.JobID, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &problem.Problem{
		Code: "left-job", Kind: problem.Cancelled,
		What: "you left; job " + id(job) + " goes on without you",
		Next: []string{"coopkit job follow " + id(job), "to have it go back: coopkit job stop " + id(job)},
		Err:  err,
	}
}
