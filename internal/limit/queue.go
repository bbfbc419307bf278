// SPDX-License-Identifier: AGPL-3.0-or-later

package limit

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Queue lets so many in at a time, in all and from each network. The others
// wait, each until it is its turn: the next is the one whose network has fewest
// inside, and of those the first that came. It is safe for concurrent use.
type Queue struct {
	inside *Budget

	mu      sync.Mutex
	waiting list.List // of *turn, first come first
}

type turn struct {
	network string
	come    chan struct{} // closed when it is in
}

// NewQueue returns a queue for a place that has room for all, and for each of
// one network.
func NewQueue(all, each int) *Queue { return &Queue{inside: NewBudget(all, each)} }

// Enter waits for a place until ctx ends, whose error it then returns, or for so
// long, which gives context.DeadlineExceeded. Leave gives the place back.
func (q *Queue) Enter(ctx context.Context, atMost time.Duration, network string) error {
	q.mu.Lock()
	if q.inside.Take(network, 1) { // who waits cannot come in, or would be
		q.mu.Unlock()
		return nil
	}
	t := &turn{network, make(chan struct{})}
	e := q.waiting.PushBack(t)
	q.mu.Unlock()
	limit := time.NewTimer(atMost)
	defer limit.Stop()
	err := context.DeadlineExceeded
	select {
	case <-t.come:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-limit.C:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-t.come: // at the same moment
		return nil
	default:
		q.waiting.Remove(e)
		return err
	}
}

// Leave gives a place back.
func (q *Queue) Leave(network string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inside.Give(network, 1)
	for q.next() {
	}
}

// next lets one in and reports whether there was one who could be; q.mu is held.
func (q *Queue) next() bool {
	var best *list.Element
	fewest := 0
	for e := q.waiting.Front(); e != nil; e = e.Next() {
		if n := q.inside.holds(e.Value.(*turn).network); best == nil || n < fewest {
			best, fewest = e, n
		}
	}
	if best == nil || !q.inside.Take(best.Value.(*turn).network, 1) {
		return false
	}
	q.waiting.Remove(best)
	close(best.Value.(*turn).come)
	return true
}
