// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"coopkit/internal/limit"
	"coopkit/internal/logkey"
)

// What strangers can make a desk log: one line a minute for each problem and
// address, and for so many of those.
const (
	sayAgain = time.Minute
	mostSaid = 200
)

// How much of each thing in such a line is written, in bytes; strangers choose
// paths and what is wrong with a message, and faults of our own come with a
// stack.
const (
	mostText  = 300
	mostFault = 8 << 10
)

// quiet is a log in which problems do not crowd out the rest, nor fill the
// disk: a line with a code stands for all like it until the next one, which
// says how many there were.
type quiet struct {
	slog.Handler
	said *said
}

// newQuiet returns a log that goes to log.
func newQuiet(log *slog.Logger) *slog.Logger {
	return slog.New(&quiet{log.Handler(), &said{lines: map[line]*times{}}})
}

// WithAttrs implements slog.Handler.
func (q *quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &quiet{q.Handler.WithAttrs(attrs), q.said}
}

// WithGroup implements slog.Handler.
func (q *quiet) WithGroup(name string) slog.Handler {
	return &quiet{q.Handler.WithGroup(name), q.said}
}

// Handle implements slog.Handler.
func (q *quiet) Handle(ctx context.Context, r slog.Record) error {
	var is line
	short := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		short.AddAttrs(clipped(a, r.Level))
		switch a.Key {
		case logkey.Code:
			is.code = a.Value.String()
		case logkey.Addr:
			is.from = limit.Network(a.Value.String())
		}
		return true
	})
	if is.code == "" {
		return q.Handler.Handle(ctx, r)
	}
	switch n := q.said.say(is, r.Time); n {
	case 0:
		return nil
	case 1:
	default:
		short.AddAttrs(slog.Int(logkey.Count, n))
	}
	return q.Handler.Handle(ctx, short)
}

func clipped(a slog.Attr, level slog.Level) slog.Attr {
	most := mostText
	if level >= slog.LevelError {
		most = mostFault
	}
	if text := a.Value.Resolve().String(); len(text) > most {
		return slog.String(a.Key, strings.ToValidUTF8(text[:most], "")+"…")
	}
	return a
}

// line is what one line a minute is about.
type line struct{ code, from string }

// times is when a line was last written, and how often it was not since.
type times struct {
	last   time.Time
	unsaid int
}

// said is what was logged in the last minute.
type said struct {
	mu    sync.Mutex
	lines map[line]*times
}

// say returns how many lines the one of now stands for, or 0 if it is not to be
// written.
func (s *said) say(is line, now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.lines[is]
	if t == nil {
		if len(s.lines) >= mostSaid {
			s.forget(now)
		}
		if len(s.lines) >= mostSaid { // of very many addresses: they share a line
			is.from = ""
			t = s.lines[is]
		}
	}
	switch {
	case t == nil:
		s.lines[is] = &times{last: now}
		return 1
	case now.Sub(t.last) < sayAgain:
		t.unsaid++
		return 0
	}
	n := t.unsaid + 1
	t.last, t.unsaid = now, 0
	return n
}

// forget drops the lines that may be written again.
func (s *said) forget(now time.Time) {
	for is, t := range s.lines {
		if now.Sub(t.last) >= sayAgain {
			delete(s.lines, is)
		}
	}
}
