// SPDX-License-Identifier: AGPL-3.0-or-later

// Package desktest starts a real desk for the tests of other packages: store
// and protocol on loopback over TLS, with an authority of its own and a clock
// that the test sets. It has no pages. It is used by tests only, and tested by
// them.
package desktest

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"coopkit/desk"
	"coopkit/desk/server"
	"coopkit/desk/store"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
)

// Coop and Caretaker are the co-ops of a desk that New made.
const (
	Coop      desk.CoopID = "bakery"
	Caretaker desk.CoopID = "kestrel"
)

// Desk is a desk that a test runs.
type Desk struct {
	Store *store.Store
	Key   ed25519.PrivateKey
	Pin   []byte // of its authority
	Path  string // of its database
	Clock *Clock

	tb   testing.TB
	cert tls.Certificate
	addr string
	log  *slog.Logger
	stop func()
}

// Option changes how a desk is started.
type Option func(d *Desk)

// At sets the clock; otherwise it shows the time and goes on.
func At(t time.Time) Option { return func(d *Desk) { d.Clock.Set(t) } }

// In keeps the desk's files in a folder, where another process finds the same
// desk; otherwise they are in one of the test.
func In(dir string) Option { return func(d *Desk) { d.Path = filepath.Join(dir, "desk.db") } }

// Listen sets the address; otherwise it is a free one of loopback.
func Listen(addr string) Option { return func(d *Desk) { d.addr = addr } }

// New starts a desk with the co-ops Coop and Caretaker, which ends with the
// test.
func New(tb testing.TB, options ...Option) *Desk {
	tb.Helper()
	d := &Desk{tb: tb, Clock: &Clock{}, addr: "127.0.0.1:0", log: slog.New(slog.DiscardHandler)}
	for _, o := range options {
		o(d)
	}
	if d.Path == "" { // a test that is to be killed could not remove a folder of its own
		d.Path = filepath.Join(tb.TempDir(), "desk.db")
	}
	d.identify()
	d.Start()
	tb.Cleanup(func() { d.Stop() })
	for _, c := range []desk.Coop{{ID: Coop, Name: "Lantern Street Bakery", Place: "Bilbao"}, {ID: Caretaker, Name: "Kestrel Works", ITCoop: true}} {
		if err := d.View().AddCoop(tb.Context(), c); err != nil && !errors.Is(err, &problem.Problem{Code: "coop-taken"}) {
			tb.Fatal(err)
		}
	}
	return d
}

// Start starts the desk again after Stop, at the same address and with the
// same records.
func (d *Desk) Start() {
	d.tb.Helper()
	s, err := store.Open(d.tb.Context(), d.Path, store.Options{Log: d.log, Now: d.Clock.Now, Period: time.Minute})
	if err != nil {
		d.tb.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(d.tb.Context(), "tcp", d.addr)
	if err != nil {
		d.tb.Fatal(err)
	}
	d.Store, d.addr = s, l.Addr().String()
	web := &http.Server{
		Handler:           server.New(server.Deps{Store: s, Key: d.Key, Name: "Desk of the tests", Log: d.log, Now: d.Clock.Now}).Handler(),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{d.cert}, MinVersion: tls.VersionTLS13},
		ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- s.Run(ctx) }()
	go func() { ended <- web.ServeTLS(l, "", "") }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		err := web.Close()
		for range 2 {
			if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
				err = errors.Join(err, e)
			}
		}
		if err = errors.Join(err, s.Check(context.Background()), s.Close()); err != nil {
			d.tb.Error(err)
		}
	})
}

// Stop stops the desk; to stop it twice does nothing.
func (d *Desk) Stop() { d.stop() }

// URL is the base address of the desk.
func (d *Desk) URL() string { return "https://" + d.addr }

// View is the desk as its coordinator sees it.
func (d *Desk) View() *store.View {
	return d.Store.As(desk.Principal{Person: "Irati", Role: desk.Coordinator})
}

// Invite makes an invitation for a box of Coop that Caretaker looks after;
// confirmed says that such a box need not be confirmed.
func (d *Desk) Invite(confirmed bool) wire.Invitation {
	d.tb.Helper()
	code, err := wire.NewInvitation(d.URL(), d.Key.Public().(ed25519.PublicKey), d.Pin)
	if err != nil {
		d.tb.Fatal(err)
	}
	if _, err := d.View().Invite(d.tb.Context(), code, store.Invite{Coop: Coop, Caretaker: Caretaker, Confirmed: confirmed}); err != nil {
		d.tb.Fatal(err)
	}
	return code
}

// Confirm says that the words of the box were compared.
func (d *Desk) Confirm(id wire.BoxID) {
	d.tb.Helper()
	if err := d.View().Confirm(d.tb.Context(), id); err != nil {
		d.tb.Fatal(err)
	}
}

// Box is what the desk knows of a box.
func (d *Desk) Box(id wire.BoxID) desk.Box {
	d.tb.Helper()
	b, err := d.View().Box(d.tb.Context(), id)
	if err != nil {
		d.tb.Fatal(err)
	}
	return b
}

// Boxes are all boxes of the desk that have not left.
func (d *Desk) Boxes() []store.FleetRow {
	d.tb.Helper()
	f, err := d.View().Fleet(d.tb.Context(), store.FleetFilter{})
	if err != nil {
		d.tb.Fatal(err)
	}
	return f.Rows
}

// Clock shows the time until it is set; then it stands still.
type Clock struct {
	mu  sync.Mutex
	set time.Time
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set.IsZero() {
		return time.Now()
	}
	return c.set
}

// Set makes the clock stand still at t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = t
}

// Pass sets the clock to d after what it shows.
func (c *Clock) Pass(d time.Duration) { c.Set(c.Now().Add(d)) }
