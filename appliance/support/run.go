// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"time"

	"coopkit/desk/wire"
	"coopkit/internal/logkey"
)

const (
	together = time.Second // findings that change within it go together
	idle     = time.Hour

	minBackoff = 5 * time.Second
	maxBackoff = 10 * time.Minute
)

// schedule is what is due when, by the monotonic clock, so that setting the
// machine's clock neither hurries nor stops it. A zero time means never.
type schedule struct {
	box      wire.BoxID // whose schedule it is
	sample   time.Time
	soon     time.Time // findings changed
	try      time.Time // not before, after a failure
	failures int       // in a row
}

// Run tells and sends until ctx ends, and returns nil then.
func (s *Support) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			select {
			case s.turn <- struct{}{}:
				s.dropWay()
				<-s.turn
			default: // whoever joins or leaves now has the way to himself
			}
			return nil
		case <-timer.C:
		case <-s.wake:
		}
		timer.Reset(s.step(ctx))
	}
}

// step does what is due and says when to come again.
func (s *Support) step(ctx context.Context) time.Duration {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	l := s.current()
	if l == nil {
		s.plan = schedule{}
		return idle
	}
	p, now := &s.plan, time.Now()
	if p.box != l.Box {
		*p = schedule{box: l.Box, sample: now.Add(untilPhase(l.Key, l.Period, s.d.Now()))}
		if l.Acked == 0 { // it has just joined, and people look
			p.sample = now
		}
	}
	if s.takeSoon() && p.soon.IsZero() {
		p.soon = now.Add(together)
	}
	due := reached(p.sample, now) || reached(p.soon, now)
	if due {
		s.gather(ctx, now)
	}
	if !p.try.IsZero() {
		due = reached(p.try, now)
	}
	if due {
		s.send(ctx)
	}
	return s.rest()
}

func reached(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

func (s *Support) takeSoon() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	soon := s.soon
	s.soon = false
	return soon
}

// gather tells what is new. What cannot be kept now is compared again later.
func (s *Support) gather(ctx context.Context, now time.Time) {
	p := &s.plan
	sample := reached(p.sample, now)
	p.soon = time.Time{}
	if sample {
		p.sample = now.Add(untilNext(s.current(), s.d.Now()))
	}
	if err := s.tell(ctx, sample); err != nil && ctx.Err() == nil {
		s.d.Log.ErrorContext(ctx, "cannot keep a report for the desk", slog.Any(logkey.Err, err))
	}
}

// rest is how long nothing is due, and tells people when that ends.
func (s *Support) rest() time.Duration {
	p := s.plan
	next := p.sample
	if !p.soon.IsZero() && p.soon.Before(next) {
		next = p.soon
	}
	send := next
	if !p.try.IsZero() {
		send = p.try
		if send.Before(next) {
			next = send
		}
	}
	now := time.Now()
	s.note(func(m *moment) { m.next = s.d.Now().Add(send.Sub(now)) })
	return max(next.Sub(now), 0)
}

// untilPhase is how long it is until the box's own place in each period. The
// places of many boxes are spread evenly, so that they never come all at once.
func untilPhase(key ed25519.PrivateKey, period time.Duration, wall time.Time) time.Duration {
	public, _ := key.Public().(ed25519.PublicKey) // it always is
	sum := sha256.Sum256(public)
	ms := period.Milliseconds()
	phase := int64(binary.BigEndian.Uint64(sum[:]) % uint64(ms)) //nolint:gosec // smaller than a period
	into := ((wall.UnixMilli()-phase)%ms + ms) % ms
	return time.Duration(ms-into) * time.Millisecond
}

// untilNext is how long it is until the next sample: the box's place in the
// period, give or take a twentieth.
func untilNext(l *Link, wall time.Time) time.Duration {
	wait := untilPhase(l.Key, l.Period, wall)
	if wait < l.Period/2 { // a little early this time
		wait += l.Period
	}
	return wait + time.Duration((rand.Float64()-0.5)*0.1*float64(l.Period)) //nolint:gosec // spreads load, keeps no secret
}

// backoff is how long to wait after so many failures in a row: anything up to a
// limit that doubles, so that many boxes come back one by one.
func backoff(failures int) time.Duration {
	limit := maxBackoff
	if n := failures - 1; n < 7 {
		limit = min(limit, minBackoff<<n)
	}
	return time.Second + time.Duration(rand.Float64()*float64(limit-time.Second)) //nolint:gosec // as above
}

// bounded is a period as this box takes it from a desk.
func bounded(seconds int) time.Duration {
	return min(max(time.Duration(seconds)*time.Second, wire.ShortestPeriod), wire.LongestPeriod)
}
