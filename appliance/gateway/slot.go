// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"sync"
	"time"

	"coopkit/internal/limit"
)

// turns are the places at one service.
type turns struct {
	queue   *limit.Queue  // requests
	uploads *limit.Queue  // of those, with a body on its way
	long    *limit.Budget // what lasts: live pages, long polls, WebSockets

	mu   sync.Mutex
	here map[*visit]bool // all who have a place
}

func newTurns() *turns {
	return &turns{
		queue: limit.NewQueue(maxInService, maxInServiceOfOne), uploads: limit.NewQueue(maxUploads, maxUploadsOfOne), long: limit.NewBudget(maxLong, maxLongOfOne),
		here: make(map[*visit]bool),
	}
}

func (t *turns) enter(v *visit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.here[v] = true
}

func (t *turns) leave(v *visit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.here, v)
}

// relieve helps a request that gets no answer, when it may be for visitors who
// keep the service waiting. As long as there are many of those, the network
// that has most loses the one that waits longest, unless it is that of the
// request.
func (t *turns) relieve(network string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	idle := make(map[string][]*visit) // by network
	var n int
	for v := range t.here {
		if v.keepsWaiting() >= v.patience.slow {
			idle[v.conn.Network()] = append(idle[v.conn.Network()], v)
			n++
		}
	}
	for ; n >= manySlow; n-- {
		most := network
		for other, list := range idle {
			if len(list) > len(idle[most]) {
				most = other
			}
		}
		if most == network {
			return
		}
		longest := 0
		for i, v := range idle[most] {
			if v.keepsWaiting() > idle[most][longest].keepsWaiting() {
				longest = i
			}
		}
		idle[most][longest].cut()
		idle[most] = append(idle[most][:longest], idle[most][longest+1:]...)
	}
}

// slot is the place of a request at a service.
type slot struct {
	wanted   *turns    // nil = none
	at       *turns    // nil = it waits for its place
	since    time.Time // it waits, or is there
	isUpload bool      // it has a place among the uploads
	isLong   bool
	hijacked bool
}

// enter waits for a place.
func (s *slot) enter(ctx context.Context, at *turns, v *visit, streams bool) error {
	v.mu.Lock()
	s.wanted, s.since = at, time.Now()
	v.mu.Unlock()
	if streams {
		if err := at.uploads.Enter(ctx, v.patience.queue, v.conn.Network()); err != nil {
			return err
		}
		s.isUpload = true
	}
	if err := at.queue.Enter(ctx, v.patience.queue, v.conn.Network()); err != nil {
		return err
	}
	v.mu.Lock()
	s.at, s.since = at, time.Now()
	v.mu.Unlock()
	at.enter(v)
	return nil
}

// becomesLong moves a request to the long ones and reports whether there is
// room among them, or it is at no service; v.mu is held.
func (s *slot) becomesLong(v *visit) bool {
	if s.at == nil || s.isLong {
		return true
	}
	if !s.at.long.Take(v.conn.Network(), 1) {
		return false
	}
	s.at.queue.Leave(v.conn.Network())
	s.isLong = true
	return true
}

// leave gives the places back.
func (s *slot) leave(v *visit) {
	if s.isUpload {
		s.wanted.uploads.Leave(v.conn.Network())
	}
	if s.at == nil {
		return
	}
	s.at.leave(v)
	if s.isLong {
		s.at.long.Give(v.conn.Network(), 1)
	} else {
		s.at.queue.Leave(v.conn.Network())
	}
}
