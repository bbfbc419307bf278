// SPDX-License-Identifier: AGPL-3.0-or-later

// Package support is the box's half of the link to a support desk: it joins and
// leaves, keeps an outbox on disk of what the desk should know, and sends it when
// the desk can be reached. It only tells; nothing a desk answers makes the box
// do anything but tell. It knows the desk through desk/wire alone, and what it
// tells through functions that it is given. Its tests run weeks on a fake clock,
// desks that lie, kill -9, and a real desk on loopback.
package support

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/desk/wire"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// Deps is what New needs. Store, Log, Facts, Sample and Findings are required.
type Deps struct {
	Store    Store
	Log      *slog.Logger
	Facts    func(ctx context.Context) (wire.Facts, error)
	Sample   func(ctx context.Context) (wire.Sample, error)
	Findings func() []appliance.Finding // what shows; first asked after Changed was called
	Now      func() time.Time           // nil: time.Now; only for what people and desks read
	Report   func(err error)            // told why the record of the link cannot be used, and nil once it is gone; nil: nobody is
	// Transport makes the way to a desk, anew after each failure; nil: the
	// network, with the name server and proxy of that moment.
	Transport func(desk string, pin []byte) (http.RoundTripper, error)
}

// Support is the link to the desk. It is safe for concurrent use. Run sends;
// the other methods work beside it and without it.
type Support struct {
	d    Deps
	wake chan struct{} // something changed: look at what is due

	turn chan struct{} // full while somebody works on the link and the outbox
	way  http.RoundTripper
	plan schedule

	mu     sync.Mutex       // guards what follows
	link   *Link            // what the store has; replaced, never changed
	unread *problem.Problem // why the store's cannot be read; link is nil then
	now    moment
	cancel context.CancelFunc // of the exchange that is under way
	leave  bool               // somebody waits for turn to end the link
	known  bool               // the findings are known
	soon   bool               // the findings changed
}

// moment is how the link is right now.
type moment struct {
	tried, next, heard time.Time        // by Deps.Now; heard: the desk answered, whatever it said
	trouble            *problem.Problem // of the last try; nil: it went well
}

// New returns the link that the store remembers. One that cannot be read counts
// as ended until it is left, or another desk is joined.
func New(ctx context.Context, d Deps) *Support {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Transport == nil {
		d.Transport = network
	}
	if d.Report == nil {
		d.Report = func(error) {}
	}
	d.Log = d.Log.With(slog.String(logkey.Component, "support"))
	s := &Support{d: d, wake: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	link, err := d.Store.DeskLink(ctx)
	if err != nil {
		s.unread = appliance.Unreadable("the link to the support desk", err)
		d.Log.ErrorContext(ctx, "link not read", slog.Any(logkey.Err, err))
		d.Report(s.unread)
		return s
	}
	s.setLink(link)
	return s
}

// Changed says that the findings are known, or are others now. It does not
// wait.
func (s *Support) Changed() {
	s.mu.Lock()
	s.known, s.soon = true, true
	s.mu.Unlock()
	s.nudge()
}

// nudge lets Run look at what is due.
func (s *Support) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// current returns the link, or nil.
func (s *Support) current() *Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link
}

// setLink makes l the link that everybody sees. The caller holds turn, or is
// New.
func (s *Support) setLink(l *Link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l == nil || s.link == nil || s.link.Box != l.Box {
		s.now = moment{}
	}
	s.link = l
	if s.unread != nil {
		s.unread = nil
		s.d.Report(nil)
	}
}

// unreadable is why the record of the link cannot be used; nil if it can.
func (s *Support) unreadable() *problem.Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unread
}

// change replaces the link by a changed copy.
func (s *Support) change(with func(l *Link)) {
	l := *s.current()
	with(&l)
	s.setLink(&l)
}

// note records what came of a try.
func (s *Support) note(with func(m *moment)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	with(&s.now)
}
