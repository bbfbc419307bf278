// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"sync"
	"time"
)

// mostLimited bounds what a limiter remembers.
const mostLimited = 100_000

// limiter lets each key do something burst times at once, and once every so
// often after that.
type limiter[K comparable] struct {
	every time.Duration
	burst int

	mu   sync.Mutex
	free map[K]time.Time // when all of the burst is there again
}

// wait returns how long the key has to wait, or 0 and notes that it did it.
func (l *limiter[K]) wait(key K, now time.Time) time.Duration { return l.take(key, 1, now) }

// take is wait for n times at once, which are at most the burst.
func (l *limiter[K]) take(key K, n int, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free == nil || len(l.free) > mostLimited {
		l.forget(now)
	}
	free, over := l.over(key, n, now)
	if over == 0 {
		l.free[key] = free.Add(time.Duration(n) * l.every)
	}
	return over
}

// blocked is wait without noting anything.
func (l *limiter[K]) blocked(key K, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, over := l.over(key, 1, now)
	return over
}

// over returns when the key is free, which is now at the earliest, and how long
// it has to wait before it does something n times.
func (l *limiter[K]) over(key K, n int, now time.Time) (time.Time, time.Duration) {
	free := l.free[key]
	if free.Before(now) {
		free = now
	}
	return free, max(free.Sub(now)-time.Duration(l.burst-n)*l.every, 0)
}

// forget drops the keys that are free, or all when so many are not that
// somebody makes them up.
func (l *limiter[K]) forget(now time.Time) {
	for key, free := range l.free {
		if free.Before(now) {
			delete(l.free, key)
		}
	}
	if l.free == nil || len(l.free) > mostLimited {
		l.free = map[K]time.Time{}
	}
}
