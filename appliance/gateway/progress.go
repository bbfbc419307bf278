// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"sync/atomic"
	"time"
)

// wait is a handler's waiting for the visitor, to send or to read.
type wait struct{ since atomic.Int64 } // after the visit began, in nanoseconds; 0 = it does not wait

func (w *wait) begin(v *visit) { w.since.Store(max(1, int64(time.Since(v.began)))) }

func (w *wait) end() { w.since.Store(0) }

func (w *wait) on() bool { return w.since.Load() != 0 }

// keepsWaiting is how long the visitor has sent or taken nothing that a handler
// waits for.
func (v *visit) keepsWaiting() time.Duration {
	var longest time.Duration
	for _, w := range []*wait{&v.reading, &v.writing} {
		if since := w.since.Load(); since != 0 {
			longest = max(longest, time.Since(v.began)-time.Duration(since))
		}
	}
	return longest
}

// progress is what was seen of a request at the last looks.
type progress struct {
	window time.Time // in which the body makes progress
	before int64     // bytes received when it began
	wrote  int64     // pieces of the answer
	moved  time.Time // when that changed, or nothing was to be written
	until  time.Time // the deadline for writing, when it was moved on
}

// look is run by the timer.
func (v *visit) look() {
	v.mu.Lock()
	if v.over {
		v.mu.Unlock()
		return
	}
	now := time.Now()
	v.lookAtBody(now)
	v.lookAtAnswer(now)
	var starved *turns
	if s := &v.slot; s.wanted != nil && v.uploaded.Load() && !v.answered.Load() {
		if now.Sub(s.since) >= v.patience.long {
			s.becomesLong(v)
		}
		if now.Sub(s.since) >= v.patience.slow {
			starved = s.wanted
		}
	}
	v.timer.Reset(v.patience.look)
	v.mu.Unlock()
	if starved != nil {
		starved.relieve(v.conn.Network())
	}
}

// lookAtBody cuts off a body that does not come; v.mu is held.
func (v *visit) lookAtBody(now time.Time) {
	p := &v.progress
	late := v.collecting.Load() && now.Sub(v.began) >= v.patience.smallBody
	switch received := v.received.Load(); {
	case v.uploaded.Load():
		return
	case v.alone && v.writing.on() && now.Sub(p.moved) >= v.patience.body:
		late = true // net/http waits for the rest of the body before it writes
	case !v.reading.on() || received-p.before >= bodyProgress:
		p.window, p.before = now, received
	case now.Sub(p.window) >= v.patience.body:
		late = true
	}
	if late {
		_ = v.rc.SetReadDeadline(time.Unix(1, 0))
	}
}

// lookAtAnswer moves the deadline for writing on while the visitor reads, or
// there is nothing to read; v.mu is held.
func (v *visit) lookAtAnswer(now time.Time) {
	p := &v.progress
	wrote := v.wrote.Load()
	if v.writing.on() && wrote == p.wrote {
		return
	}
	p.wrote, p.moved = wrote, now
	if until := now.Add(v.patience.answer); until.Sub(p.until) > v.patience.answer/8 { // it costs more than a look
		p.until = until
		_ = v.rc.SetWriteDeadline(until)
	}
}

// cut ends a visit that keeps a handler waiting.
func (v *visit) cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over {
		return
	}
	v.progress.until = time.Now().Add(time.Hour) // not to be moved on
	_ = v.rc.SetReadDeadline(time.Unix(1, 0))
	_ = v.rc.SetWriteDeadline(time.Unix(1, 0))
}
