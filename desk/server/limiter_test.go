// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"coopkit/internal/problem"
)

func TestLimiter_burstThenPace(t *testing.T) {
	l := limiter[string]{every: time.Second, burst: 3}
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	if got := l.blocked("a", now); got != 0 {
		t.Errorf("a new key waits %s", got)
	}
	for range 3 {
		if got := l.wait("a", now); got != 0 {
			t.Errorf("in the burst it waits %s", got)
		}
	}
	if got := l.wait("a", now); got != time.Second {
		t.Errorf("after the burst it waits %s", got)
	}
	if got := l.blocked("a", now.Add(400*time.Millisecond)); got != 600*time.Millisecond {
		t.Errorf("a little later it waits %s", got)
	}
	if got := l.wait("b", now); got != 0 {
		t.Errorf("another key waits %s", got)
	}
	if got := l.wait("a", now.Add(time.Second)); got != 0 {
		t.Errorf("after a second it waits %s", got)
	}
}

func TestLimiter_takesManyAtOnce(t *testing.T) {
	l := limiter[string]{every: time.Second, burst: 10}
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		n    int
		want time.Duration
	}{{6, 0}, {4, 0}, {1, time.Second}, {10, 10 * time.Second}} {
		if got := l.take("a", c.n, now); got != c.want {
			t.Errorf("%d wait %s, not %s", c.n, got, c.want)
		}
	}
	if got := l.take("a", 4, now.Add(4*time.Second)); got != 0 {
		t.Errorf("when four are there again, they wait %s", got)
	}
}

func TestLimiter_remembersOnlySoMuch(t *testing.T) {
	l := limiter[string]{every: time.Hour, burst: 1}
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for i := range mostLimited + 10 {
		l.wait(fmt.Sprint(i), now)
	}
	if len(l.free) > mostLimited {
		t.Errorf("it remembers %d keys", len(l.free))
	}
}

func TestMeaningOf_whatIsNotStoredComesAgain(t *testing.T) {
	for _, p := range []*problem.Problem{
		problem.From(errors.New("disk on fire"), "id"),
		{Code: "desk-cannot-store", Kind: problem.Unavailable},
		{Code: "disk-full", Kind: problem.Failed},
	} {
		if m := meaningOf(p); m.status != http.StatusServiceUnavailable || m.wait == 0 {
			t.Errorf("%s means %+v", p.Code, m)
		}
	}
}
