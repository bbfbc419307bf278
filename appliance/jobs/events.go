// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
)

// progressEvery spaces the progress events of a step; log lines are never held
// back.
const progressEvery = 500 * time.Millisecond

// endLimit is how long the event of an end is waited for, which could not be
// written if it takes longer.
const endLimit = time.Second

// Follow calls each for every event of the job after the given number, in
// order, and returns nil after the last one of an ended job. It returns ctx's
// error when ctx ends first, or each's error.
func (r *Runner) Follow(ctx context.Context, id appliance.JobID, after int64, each func(appliance.JobEvent) error) error {
	for waited := false; ; {
		changed := r.watch(id) // before reading, so that nothing is missed in between
		job, err := r.Journal.Job(ctx, id)
		if err != nil {
			return err
		}
		events, err := r.Journal.Events(ctx, id, max(after-1, 0)) // with the last one that was told: it may be the end
		if err != nil {
			return err
		}
		end := waited && job.State != appliance.JobRunning
		for _, ev := range events {
			end = end || ev.End != ""
			if ev.Seq <= after {
				continue
			}
			if err := each(ev); err != nil {
				return err
			}
			after = ev.Seq
		}
		if end {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(endLimit):
			waited = job.State != appliance.JobRunning
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch returns a channel that is closed at the job's next event.
func (r *Runner) watch(id appliance.JobID) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	ch, ok := r.changed[id]
	if !ok {
		ch = make(chan struct{})
		r.changed[id] = ch
	}
	return ch
}

// tell records an event and wakes the readers. An event that can not be
// written is only a gap in a live view: the steps are in the journal.
func (r *Runner) tell(ctx context.Context, ev appliance.JobEvent) {
	ev.Time = r.Now().UTC()
	if _, err := r.Journal.AddEvent(ctx, ev); err != nil && ctx.Err() == nil {
		r.Log.Warn("event not recorded", slog.Int64(logkey.Job, int64(ev.Job)), slog.Any(logkey.Err, err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ch, ok := r.changed[ev.Job]; ok {
		close(ch)
		delete(r.changed, ev.Job)
	}
}

// stepProgress turns what a step tells into events.
type stepProgress struct {
	r    *Runner
	ctx  context.Context //nolint:containedctx // lives as long as one step
	job  appliance.JobID
	step string

	mu       sync.Mutex
	lastLine string
	lastTold time.Time
}

// Log records one line.
func (p *stepProgress) Log(line string) {
	p.mu.Lock()
	p.lastLine = line
	p.mu.Unlock()
	p.r.tell(p.ctx, appliance.JobEvent{Job: p.job, Step: p.step, Text: line})
}

// Advance records progress, not more often than progressEvery.
func (p *stepProgress) Advance(done, total int64) {
	p.mu.Lock()
	now := p.r.Now()
	if now.Sub(p.lastTold) < progressEvery && (total == 0 || done < total) {
		p.mu.Unlock()
		return
	}
	p.lastTold = now
	p.mu.Unlock()
	p.r.tell(p.ctx, appliance.JobEvent{Job: p.job, Step: p.step, Done: done, Total: total})
}

func (p *stepProgress) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastLine
}
