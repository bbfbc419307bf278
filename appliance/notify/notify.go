// SPDX-License-Identifier: AGPL-3.0-or-later

// Package notify is how the box reaches its people without being asked: it
// watches what the checks find and how jobs end, decides who is told what and
// when, and keeps each message on disk until it is delivered. A cause gives one
// message, and one when it is over; nights, floods and things that come and go
// are held back. It knows nothing of SQL or pages, nor of how a message reads in
// a language: Store and Writer do. Its decisions are tested in a synctest bubble,
// its outbox by killing a process that delivers to a real mail server.
package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/deliver"
	"coopkit/internal/logkey"
	"coopkit/internal/supervise"
)

// Person is somebody with an open account on this box.
type Person struct {
	ID       string // never changes
	Name     string // of the account
	Display  string
	Language string // empty: that of the box
}

// Deps is what New needs.
type Deps struct {
	Store  Store
	Writer Writer
	Log    *slog.Logger
	People func(ctx context.Context) ([]Person, error)
	// Report is what the checks that run all the time have found.
	Report func(ctx context.Context) (appliance.Report, error)
	// Jobs are the newest changes.
	Jobs func(ctx context.Context) ([]appliance.Job, error)
	// Box is this box for the head of a message.
	Box func(ctx context.Context) (Box, error)

	Clock func() time.Time      // nil: time.Now
	Zone  func() *time.Location // whose clock people look at; nil: that of the machine
	Reach deliver.Dialer        // connects to ntfy servers and webhooks; nil: never to this machine
}

// Box is this box as a message names it.
type Box struct {
	Coop, Name string
	Language   string // of people who chose none
	Console    string // URL of the console
	Apps       int    // that should run
	Sites      int
}

// Notify is the part. It is safe for concurrent use.
type Notify struct {
	deps Deps
	wake chan struct{} // there is something to look at
	due  chan struct{} // there is something to deliver

	mu sync.Mutex
	// seen is since when a condition is there without a break.
	seen map[string]time.Time
	// recorded are posts that were delivered although the store could not be told.
	recorded map[postKey]time.Time
	tests    map[string][]time.Time // test messages of late, by channel
}

// New makes the part; it does nothing before Run.
func New(d Deps) *Notify {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.Zone == nil {
		d.Zone = func() *time.Location { return time.Local }
	}
	d.Log = d.Log.With(slog.String(logkey.Component, "notify"))
	return &Notify{
		deps: d, wake: make(chan struct{}, 1), due: make(chan struct{}, 1),
		seen: map[string]time.Time{}, recorded: map[postKey]time.Time{}, tests: map[string][]time.Time{},
	}
}

// Changed says that the checks may have found something else. It does not wait.
func (n *Notify) Changed() { poke(n.wake) }

// Due says that something may have become due. It does not wait.
func (n *Notify) Due() { poke(n.due) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pace is how often the part looks although nobody woke it: nights end, and what
// waits becomes due.
const pace = time.Minute

// Run watches and delivers until ctx ends, and returns nil then. What fails is
// logged, and tried again.
func (n *Notify) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, loop := range []struct {
		name string
		wake chan struct{}
		do   func(context.Context) error
	}{{"watch", n.wake, n.watch}, {"outbox", n.due, n.deliverDue}} {
		wg.Go(func() { n.loop(ctx, loop.name, loop.wake, loop.do) })
	}
	wg.Wait()
	return nil
}

func (n *Notify) loop(ctx context.Context, name string, wake <-chan struct{}, do func(context.Context) error) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		if err := supervise.Recovered(func() error { return do(ctx) }); err != nil && ctx.Err() == nil {
			n.deps.Log.WarnContext(ctx, "messages are held up", slog.String("loop", name), slog.Any(logkey.Err, err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-wake:
		}
	}
}

// language is in which a person reads.
func language(p Person, b Box) string {
	if p.Language != "" {
		return p.Language
	}
	return b.Language
}
