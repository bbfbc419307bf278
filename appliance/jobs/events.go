// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"sync"
	"time"

	"coopkit/appliance"
)

// progressEvery spaces the progress events of a step.
const progressEvery = 500 * time.Millisecond

// heldLimit is how long a job may be held up before Follow leaves and says so:
// most hindrances pass sooner.
const heldLimit = 10 * time.Second

// idleEvery is how often a job that nobody runs is looked at: the agent is
// starting or ending.
const idleEvery = time.Second

// Follow calls each for every event of the job after the given number, in
// order, and returns nil after the last one of a job that has ended or waits. It
// returns a
// Problem "job-held-up" when the job can neither go on nor back for a while,
// ctx's error when ctx ends first, or each's error.
func (r *Runner) Follow(ctx context.Context, id appliance.JobID, after int64, each func(appliance.JobEvent) error) error {
	for {
		now := r.watch(id) // before reading, so that nothing is missed in between
		job, err := r.Journal.Job(ctx, id)
		if err != nil {
			return err
		}
		events, err := r.Journal.Events(ctx, id, after)
		if err != nil {
			return err
		}
		for _, ev := range events {
			if err := each(ev); err != nil {
				return err
			}
			after = ev.Seq
		}
		if now.waits || now.changed == nil && job.State.Ended() {
			return nil
		}
		if now.held != nil {
			return now.held
		}
		if err := now.wait(ctx); err != nil {
			return err
		}
	}
}

// watched is a job at one moment.
type watched struct {
	changed <-chan struct{} // closed at its next event; nil: nobody runs it
	waits   bool            // for a time or a person
	held    error           // why it has been held up for heldLimit
	again   time.Duration   // when to look again in any case; 0: never
}

func (r *Runner) watch(id appliance.JobID) watched {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.runs[id]
	if j == nil {
		return watched{again: idleEvery}
	}
	w := watched{changed: j.changed, waits: !j.until.IsZero()}
	if j.held != nil {
		if w.again = heldLimit - r.Now().Sub(j.since); w.again <= 0 {
			w.held = heldUp(id, j.held)
		}
	}
	return w
}

func (w watched) wait(ctx context.Context) error {
	var again <-chan time.Time
	if w.again > 0 {
		t := time.NewTimer(w.again)
		defer t.Stop()
		again = t.C
	}
	select {
	case <-w.changed:
	case <-again:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// stepProgress turns what a step tells into events.
type stepProgress struct {
	j    *run
	step string

	mu       sync.Mutex
	lastLine string
	lastSaid time.Time
}

// Log records one line.
func (p *stepProgress) Log(line string) {
	p.mu.Lock()
	p.lastLine = shorten(line)
	p.mu.Unlock()
	p.j.tell(appliance.JobEvent{Step: p.step, Text: line})
}

// Advance records progress, not more often than progressEvery.
func (p *stepProgress) Advance(done, total int64) {
	p.mu.Lock()
	now := p.j.r.Now()
	if now.Sub(p.lastSaid) < progressEvery && (total == 0 || done < total) {
		p.mu.Unlock()
		return
	}
	p.lastSaid = now
	p.mu.Unlock()
	p.j.tell(appliance.JobEvent{Step: p.step, Done: done, Total: total})
}

func (p *stepProgress) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastLine
}
