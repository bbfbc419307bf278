// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"log/slog"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/supervise"
)

// waiting is what WaitUntil returns.
type waiting struct{ until time.Time }

func (w *waiting) Error() string { return "wait until " + w.until.UTC().Format(time.RFC3339) }

// WaitUntil is for a Do that cannot say yet whether its step is done: it returns
// this, and is called again at that time, or sooner when Wake is called. The job
// is waiting meanwhile, over restarts too: its subject is looked after as if no
// job had it (Exclusive), only another change is refused. Until the step is
// recorded as done, a person can have the job go back (Stop) or take the step as
// done (Finish). A Do that waits is called again also after kill -9, instead of
// being undone.
func WaitUntil(t time.Time) error { return &waiting{until: t} }

// lookEvery bounds one sleep of a waiting job, so that it follows a clock that is
// set while it sleeps.
const lookEvery = time.Minute

// Wake has the waiting step of a job called now, or what holds a job up be tried
// now. It does nothing when the job does neither.
func (r *Runner) Wake(id appliance.JobID) {
	r.mu.Lock()
	j := r.runs[id]
	r.mu.Unlock()
	if j != nil {
		j.wake()
	}
}

func (j *run) wake() {
	select {
	case j.poke <- struct{}{}:
	default:
	}
}

// Finish takes the step that a job waits for as done, so that the job goes on at
// once; it returns when that is in the journal. A job that is held up tries
// again instead.
// Errors: a Problem "job-unknown", "job-over", or "job-not-waiting" for a job
// that is at work.
func (r *Runner) Finish(ctx context.Context, id appliance.JobID) error {
	if _, err := r.Journal.Job(ctx, id); err != nil {
		return err
	}
	reply := make(chan error, 1)
	r.mu.Lock()
	j := r.runs[id]
	switch {
	case j == nil:
		reply <- over(id)
	case j.held != nil:
		reply <- nil
	case j.until.IsZero():
		reply <- notWaiting(id)
	default:
		j.early = append(j.early, reply)
		if j.cutCall != nil {
			j.cutCall()
		}
	}
	r.mu.Unlock()
	if j != nil {
		j.wake()
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answer tells those who want the waiting to end early what came of it.
func (j *run) answer(err error) {
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	for _, reply := range j.early {
		reply <- err
	}
	j.early = nil
}

// park records that the job waits.
func (j *run) park(i int, until time.Time) error {
	j.rec.State, j.rec.Until = appliance.JobWaiting, until.UTC()
	if err := j.surely(j.work, i); err != nil {
		return err
	}
	j.tell(appliance.JobEvent{Step: j.steps[i].Name, Until: j.rec.Until, Text: "waits until " + j.rec.Until.Format("2006-01-02 15:04 UTC")})
	j.feed.flush() // whoever follows leaves now
	j.r.mu.Lock()
	j.until = j.rec.Until
	j.r.mu.Unlock()
	j.announce()
	return nil
}

// unpark ends the waiting; the journal learns it with what is written next.
func (j *run) unpark() {
	j.rec.State, j.rec.Until = appliance.JobRunning, time.Time{}
	j.r.mu.Lock()
	j.until = time.Time{}
	j.r.mu.Unlock()
}

// await sleeps until the waiting step is to be called, with the subject free for
// others to look after, and calls it.
func (j *run) await(i int, p *stepProgress) error {
	j.r.leave(j.rec.Subject)
	for poked := false; !poked && !j.wantedEarly(); {
		left := j.rec.Until.Sub(j.r.Now())
		if left <= 0 {
			break
		}
		var err error
		if poked, err = j.sleep(j.work, min(left, lookEvery)); err != nil {
			break // stopped, or the agent ends: what follows sees it
		}
	}
	if err := j.r.enter(j.ctx, j.rec.Subject); err != nil {
		return err
	}
	if j.work.Err() != nil {
		return context.Cause(j.work)
	}
	ctx, cancel := context.WithCancel(j.within(j.work, i))
	defer cancel()
	j.r.mu.Lock()
	early := len(j.early) > 0
	j.cutCall = cancel
	j.r.mu.Unlock()
	var err error
	if !early {
		err = supervise.Recovered(func() error { return j.steps[i].Do(ctx, p) })
	}
	j.r.mu.Lock()
	j.cutCall = nil
	early = len(j.early) > 0
	j.r.mu.Unlock()
	if early {
		return nil
	}
	return err
}

func (j *run) wantedEarly() bool {
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	return len(j.early) > 0
}

// sleep waits for d, for somebody who wakes the job, or for the end of ctx.
func (j *run) sleep(ctx context.Context, d time.Duration) (poked bool, err error) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return false, nil
	case <-j.poke:
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// backoff is the usual Deps.Backoff.
func backoff(n int) time.Duration {
	const longest = 5 * time.Minute
	if n > 9 {
		return longest
	}
	return min(time.Second<<(n-1), longest)
}

// holdUp waits before the n-th new try of what failed with err, and says
// meanwhile what the job is held up by. It returns an error when ctx ends.
func (j *run) holdUp(ctx context.Context, err error, n int) error {
	pause := j.r.Backoff(n)
	j.log.Warn("job is held up", slog.Duration("again_in", pause), slog.Any(logkey.Err, err))
	j.setHeld(j.asProblem(err), n)
	_, err = j.sleep(ctx, pause)
	j.setHeld(nil, n)
	return err
}

// setHeld says what holds the job up, nil for nothing, before the n-th new try.
func (j *run) setHeld(p *problem.Problem, n int) {
	j.r.mu.Lock()
	if j.held = p; n == 1 {
		j.since = j.r.Now()
	}
	j.r.mu.Unlock()
	j.announce()
}
