// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"coopkit/appliance"
	"coopkit/desk/wire"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// How long the box waits after a desk has said that it takes no reports.
const (
	afterPending = 30 * time.Second
	afterRefusal = 15 * time.Minute
	afterEnd     = 6 * time.Hour
)

// send sends reports, oldest first, until the outbox is empty or one fails. The
// caller holds turn.
func (s *Support) send(ctx context.Context) {
	for asked := false; ; {
		full, more, err := s.report(ctx)
		if err != nil {
			s.failed(ctx, err)
			return
		}
		if full && !asked { // once; a desk that asks again and again gets it the next time
			asked, more = true, true
			if err := s.tellAll(ctx); err != nil {
				s.failed(ctx, err)
				return
			}
		}
		if !more {
			s.plan.failures, s.plan.try = 0, time.Time{}
			return
		}
	}
}

// report sends the next report and records what came of it.
func (s *Support) report(ctx context.Context) (full, more bool, err error) {
	l := s.current()
	items, err := s.d.Store.Freeze(ctx, fits)
	if err != nil || len(items) == 0 {
		return false, false, err
	}
	body, err := encodeReport(*l, items, wire.At(s.d.Now()))
	if err != nil {
		return false, false, err
	}
	s.note(func(m *moment) { m.tried = s.d.Now() })
	answer, err := s.exchange(ctx, l, wire.PathReports, body, wire.SignReport(l.Key, body))
	if err != nil {
		return false, false, err
	}
	ack, err := confirmed(l, body, items, answer.body)
	if err != nil {
		return false, false, err
	}
	c := Confirmed{Ack: ack.Ack, Head: headAfter(l.Head, items, ack.Ack), At: s.d.Now(), Report: body, Period: l.Period}
	if next := time.Duration(ack.NextS) * time.Second; next >= wire.ShortestPeriod { // less means that there is more to send, and it goes at once anyway
		c.Period = min(next, wire.LongestPeriod)
	}
	if err := s.d.Store.Acked(ctx, c); err != nil {
		return false, false, err
	}
	s.change(func(l *Link) {
		l.State, l.Problem = appliance.DeskLinked, nil
		l.Acked, l.Head, l.Sent, l.Last, l.Period = c.Ack, c.Head, c.At, c.Report, c.Period
	})
	s.note(func(m *moment) { m.trouble, m.heard = nil, c.At })
	waiting, err := s.d.Store.Waiting(ctx)
	return ack.Full, waiting > 0, err
}

// confirmed reads the desk's answer and makes sure that it is the desk's, to
// this report, and makes sense.
func confirmed(l *Link, body []byte, items []Item, answer []byte) (wire.Ack, error) {
	ack, err := wire.OpenAck(l.Secret, body, answer)
	switch {
	case errors.Is(err, wire.ErrNotProven):
		return ack, notTheDesk(l.URL, err.Error(), nil)
	case err != nil:
		return ack, notTheDesk(l.URL, "the answer cannot be read", err)
	}
	why := said{Title: fmt.Sprintf("it has entry %d, and this box sent %d to %d", ack.Ack, l.Acked+1, items[len(items)-1].Seq)}
	switch last := items[len(items)-1].Seq; {
	case ack.Ack <= l.Acked:
		return ack, notTheDesk(l.URL, why.Title, nil)
	case ack.Ack > last: // this box was put back to an older state
		return ack, &refusal{state: appliance.DeskRefused, said: why, wait: afterRefusal, problem: suspected(l.URL, why)}
	default:
		return ack, nil
	}
}

// failed plans the next try and lets people know why there must be one.
func (s *Support) failed(ctx context.Context, err error) {
	if ctx.Err() != nil || s.leaving() { // nobody's fault
		return
	}
	s.dropWay() // the next try looks the desk and the proxy up anew
	p := &s.plan
	if r, ok := errors.AsType[*refusal](err); ok {
		p.failures = 0
		wait := r.wait
		if r.retry > 0 {
			wait = max(r.retry, minBackoff)
		}
		p.try = time.Now().Add(wait)
		s.refused(ctx, r)
		return
	}
	u, unreached := errors.AsType[*unreachable](err)
	if unreached && u.pace {
		p.failures = 0
		p.try = time.Now().Add(u.retry)
		s.note(func(m *moment) { m.trouble, m.heard = nil, s.d.Now() })
		return
	}
	p.failures++
	wait := backoff(p.failures)
	if unreached {
		wait = max(wait, u.retry)
	}
	p.try = time.Now().Add(wait)
	trouble := problem.From(err, "support")
	s.note(func(m *moment) { m.trouble = trouble })
	s.d.Log.WarnContext(ctx, "report not sent", slog.Any(logkey.Err, err), slog.Int(logkey.Count, p.failures), slog.Duration("next", wait))
}

// refused records what the desk said.
func (s *Support) refused(ctx context.Context, r *refusal) {
	s.note(func(m *moment) { m.trouble, m.heard = nil, s.d.Now() })
	l := s.current()
	if l.State == r.state && problem.Reason(orNone(l.Problem)) == problem.Reason(orNone(r.problem)) {
		return
	}
	s.d.Log.WarnContext(ctx, "the desk takes no reports", slog.String(logkey.Code, string(r.state)), slog.Any(logkey.Err, r))
	if err := s.d.Store.SetDeskState(ctx, r.state, r.problem); err != nil {
		s.d.Log.ErrorContext(ctx, "cannot keep the desk's answer", slog.Any(logkey.Err, err))
	}
	s.change(func(l *Link) { l.State, l.Problem = r.state, r.problem })
}

func orNone(p *problem.Problem) error {
	if p == nil {
		return errors.New("")
	}
	return p
}
