// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"coopkit/appliance"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
)

// Status says how the link is.
func (s *Support) Status(ctx context.Context) (appliance.DeskLink, error) {
	l, m := s.both()
	if bad := s.unreadable(); bad != nil {
		return appliance.DeskLink{State: appliance.DeskEnded, Problem: bad}, nil
	}
	if l == nil {
		return appliance.DeskLink{State: appliance.DeskNone}, nil
	}
	waiting, err := s.d.Store.Waiting(ctx)
	if err != nil {
		return appliance.DeskLink{}, fmt.Errorf("count what waits: %w", err)
	}
	out := appliance.DeskLink{
		State: l.State, URL: l.URL, Name: l.Name, Coop: l.Coop, Box: string(l.Box), KeyFingerprint: Fingerprint(l.DeskKey),
		Words: l.Words, Joined: l.Joined, LastSent: l.Sent, LastTried: m.tried, NextTry: m.next, Waiting: waiting, Problem: l.Problem,
	}
	if out.LastTried.IsZero() {
		out.LastTried = l.Sent
	}
	if m.trouble != nil && l.State != appliance.DeskEnded {
		out.State, out.Problem = appliance.DeskSilent, m.trouble
	}
	return out, nil
}

func (s *Support) both() (*Link, moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link, s.now
}

// Contact is what the health check judges.
type Contact struct {
	Joined  bool
	URL     string
	Heard   time.Time        // the desk's last answer; when the box joined, before the first
	Trouble *problem.Problem // why the last try reached no desk; nil: it did
	Refused *problem.Problem // why the desk takes no reports; nil: it does
}

// Contact says when the desk was last heard of. The zero Contact means that the
// box has not joined a desk.
func (s *Support) Contact() Contact {
	l, m := s.both()
	if l == nil {
		return Contact{}
	}
	c := Contact{Joined: true, URL: l.URL, Heard: l.Joined, Trouble: m.trouble, Refused: l.Problem}
	for _, t := range []time.Time{l.Sent, m.heard} {
		if t.After(c.Heard) {
			c.Heard = t
		}
	}
	return c
}

// Preview returns the last report that the desk confirmed, or before that the
// next one: what is sent, with line breaks for people.
func (s *Support) Preview(ctx context.Context) (string, error) {
	l := s.current()
	if l == nil {
		return "", notJoined()
	}
	body := l.Last
	if len(body) == 0 {
		var err error
		if body, err = s.first(ctx); err != nil {
			return "", err
		}
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return "", fmt.Errorf("show report: %w", err)
	}
	return out.String() + "\n", nil
}

// first is the report that comes next.
func (s *Support) first(ctx context.Context) ([]byte, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	l := s.current()
	if l == nil { // left meanwhile
		return nil, notJoined()
	}
	if n, err := s.d.Store.Waiting(ctx); err != nil {
		return nil, err
	} else if n == 0 {
		if err := s.tell(ctx, true); err != nil {
			return nil, err
		}
	}
	items, err := s.d.Store.Freeze(ctx, fits)
	if err != nil {
		return nil, err
	}
	return encodeReport(*s.current(), items, wire.At(s.d.Now()))
}
