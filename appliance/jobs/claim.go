// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"

	"coopkit/internal/problem"
)

// claim is somebody's present work on a subject.
type claim struct {
	giveWay context.CancelFunc // of an exclusive caller; nil for a job, which gives way to nobody
	gone    chan struct{}      // closed when the work has ended
}

// Exclusive runs fn while no job works on the subject. It returns false, at
// once, when somebody does already. A job that waits does not work: what it has
// done is to be looked after meanwhile. What a person asks for goes first: fn's
// context ends when a job begins or goes on, which waits until fn has returned.
func (r *Runner) Exclusive(ctx context.Context, subject string, fn func(ctx context.Context)) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.mu.Lock()
	free := r.base != nil && r.base.Err() == nil && r.working[subject] == nil
	if free {
		r.working[subject] = &claim{giveWay: cancel, gone: make(chan struct{})}
	}
	r.mu.Unlock()
	if !free {
		return false
	}
	defer r.leave(subject)
	fn(ctx)
	return true
}

// Working reports whether a job is changing the subject.
func (r *Runner) Working(subject string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.working[subject]
	return c != nil && c.giveWay == nil
}

// own makes the subject of rec that of a new job, and begins to work on it.
func (r *Runner) own(ctx context.Context, rec Record) (*run, error) {
	j, err := r.tryOwn(rec)
	if err != nil {
		return nil, err
	}
	if err := r.enter(ctx, rec.Subject); err != nil {
		r.mu.Lock()
		delete(r.owner, rec.Subject)
		r.mu.Unlock()
		return nil, err
	}
	return j, nil
}

func (r *Runner) tryOwn(rec Record) (*run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.base == nil || r.base.Err() != nil {
		return nil, &problem.Problem{
			Code: "agent-stopping", Kind: problem.Unavailable,
			What: "the agent is starting or stopping, so no change can begin now",
			Next: []string{"try again in a few seconds", "coopkit doctor, if it goes on"},
		}
	}
	switch other := r.owner[rec.Subject]; {
	case other == nil:
	case other.held != nil:
		return nil, heldUp(other.rec.ID, other.held)
	case !other.until.IsZero():
		return nil, waitsFor(other.rec.Job, other.until)
	default:
		return nil, Busy(rec.Job)
	}
	j := newRun(r.base, r, rec)
	r.owner[rec.Subject] = j
	return j, nil
}

// disown frees the subject of a job that works on it.
func (r *Runner) disown(j *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.owner, j.rec.Subject)
	r.free(j.rec.Subject)
}

// enter begins to work on a subject, after whoever gives way has gone.
func (r *Runner) enter(ctx context.Context, subject string) error {
	for {
		r.mu.Lock()
		other := r.working[subject]
		if other == nil {
			r.working[subject] = &claim{gone: make(chan struct{})}
		}
		r.mu.Unlock()
		if other == nil {
			return nil
		}
		other.giveWay()
		select {
		case <-other.gone:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// leave ends the work on a subject.
func (r *Runner) leave(subject string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free(subject)
}

// free is leave, with r.mu held.
func (r *Runner) free(subject string) {
	close(r.working[subject].gone)
	delete(r.working, subject)
}
