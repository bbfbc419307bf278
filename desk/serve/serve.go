// SPDX-License-Identifier: AGPL-3.0-or-later

// Package serve is the desk's composition root: state folder, key, certificate,
// store, protocol and pages in one process, and the socket through which the
// command line asks a desk that runs. It decides nothing that its parts decide.
// Its tests run a whole desk, sign in over TLS and let a command and a server
// meet.
package serve

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"coopkit/desk/server"
	"coopkit/desk/store"
	"coopkit/desk/web"
	"coopkit/desk/wire"
	"coopkit/internal/limit"
	"coopkit/internal/localrpc"
	"coopkit/internal/logkey"
	"coopkit/internal/process"
	"coopkit/internal/signin"
)

// WayBack is what somebody with access to the machine runs for who cannot sign
// in.
const WayBack = "coopkit desk user token NAME"

// Config is how a desk is run. What is empty is as at the last start, or the
// default.
type Config struct {
	State   string           // folder for everything that the desk keeps
	Listen  string           // address of pages and protocol
	URL     string           // what invitations say: https://host[:port]
	Name    string           // of this desk, for people; default: the host of URL
	TLSCert string           // PEM files of a certificate that is publicly trusted; with
	TLSKey  string           // neither, the desk has an authority of its own
	Period  time.Duration    // of reports; 0: a minute
	Now     func() time.Time // nil: time.Now
}

// Desk is one desk. Make it with New; Close frees it after Run has ended.
type Desk struct {
	cfg    Config
	kept   kept
	log    *slog.Logger
	lock   *os.File
	key    ed25519.PrivateKey
	pin    []byte
	store  *store.Store
	signin *signin.Service
	web    *web.Web
	tls    secured
	conns  *limit.Connections
}

// New opens the state folder and makes all parts; it opens no port. A folder
// that another desk uses gives a Problem "state-in-use".
func New(ctx context.Context, cfg Config, log *slog.Logger) (_ *Desk, err error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Period == 0 {
		cfg.Period = time.Minute
	}
	if cfg.Period < wire.ShortestPeriod || cfg.Period > wire.LongestPeriod {
		return nil, periodUnusable(cfg.Period)
	}
	d := &Desk{cfg: cfg, log: newQuiet(log), conns: limit.NewConnections(mostConnections, mostFromOne)}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if d.lock, err = process.Lock(cfg.State, "desk", 0o700); err != nil {
		return nil, err
	}
	if d.kept, err = settle(&d.cfg); err != nil {
		return nil, err
	}
	if d.key, err = loadKey(filepath.Join(cfg.State, "desk.key")); err != nil {
		return nil, err
	}
	if d.tls, d.pin, err = openTLS(d.cfg, d.kept.Hosts, log); err != nil {
		return nil, err
	}
	if _, err := wire.NewInvitation(d.cfg.URL, d.public(), d.pin); err != nil {
		return nil, urlUnusable(d.cfg.URL, err)
	}
	return d, d.open(ctx)
}

func (d *Desk) open(ctx context.Context) (err error) {
	d.store, err = store.Open(ctx, databaseFile(d.cfg.State), store.Options{Log: d.part("store"), Now: d.cfg.Now, Period: d.cfg.Period})
	if err != nil {
		return err
	}
	d.signin = signin.New(signin.Deps{Store: d.store.Signin(), Now: d.cfg.Now, Log: d.part("signin"), Cookie: "coopkit-desk", WayBack: WayBack})
	d.web, err = web.New(web.Deps{
		Store: d.store, Signin: d.signin, Log: d.part("web"), Now: d.cfg.Now, Name: d.cfg.Name, Version: process.Version(),
		Invitation: d.invitation, WayBack: WayBack,
	})
	return err
}

func (d *Desk) public() ed25519.PublicKey { return d.key.Public().(ed25519.PublicKey) }

func (d *Desk) invitation() (wire.Invitation, error) {
	return wire.NewInvitation(d.cfg.URL, d.public(), d.pin)
}

// Handler answers browsers and boxes.
func (d *Desk) Handler() http.Handler {
	mux := http.NewServeMux()
	boxes := server.New(server.Deps{Store: d.store, Key: d.key, Name: d.cfg.Name, Log: d.part("server"), Now: d.cfg.Now}).Handler()
	mux.Handle("/v1/", boxes)
	mux.Handle("/", d.web.Handler())
	if d.tls.names != nil {
		return d.tls.names.Only(fewBodies(mux))
	}
	return fewBodies(mux)
}

// Run opens the ports, serves until ctx ends, answers what was begun and
// returns when all goroutines have ended. ready, if not nil, is called with the
// address once the ports are open.
func (d *Desk) Run(ctx context.Context, ready func(net.Addr)) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", d.cfg.Listen)
	if err != nil {
		return listenProblem(d.cfg.Listen, err)
	}
	socket, err := listenLocal(d.cfg.State) //nolint:contextcheck // a socket is opened at once
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if err := d.keep(); err != nil {
		return errors.Join(err, l.Close(), socket.Close())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.store.Run(ctx) })
	group.Go(func() error {
		return d.serve(ctx, d.tls.listener(d.conns.Listen(l)), d.Handler())
	})
	group.Go(func() error { return localrpc.Serve(ctx, socket, d.local(), context.Canceled) })
	group.Go(func() error { return d.signin.Run(ctx) })
	d.greet(ctx, l.Addr())
	if ready != nil {
		ready(l.Addr())
	}
	process.Ready(d.log)
	err = group.Wait()
	process.Stopping(d.log)
	return err
}

// How long a client may take, and an idle one stay: thousands of boxes that
// report once a minute hold no connections in between.
const (
	headersWithin = 10 * time.Second
	wholeWithin   = 30 * time.Second
	idleFor       = 10 * time.Second
	drainFor      = 10 * time.Second
)

func (d *Desk) serve(ctx context.Context, l net.Listener, h http.Handler) error {
	web := &http.Server{
		Handler: h, ReadHeaderTimeout: headersWithin, ReadTimeout: wholeWithin, WriteTimeout: wholeWithin, IdleTimeout: idleFor, MaxHeaderBytes: limit.HeadBytes,
		HTTP2:       &http.HTTP2Config{MaxConcurrentStreams: mostStreams, MaxReadFrameSize: 16 << 10, MaxReceiveBufferPerConnection: 64 << 10},
		ErrorLog:    slog.NewLogLogger(d.part("http").Handler(), slog.LevelDebug),
		ConnState:   d.conns.State,
		Protocols:   limit.Protocols(),
		BaseContext: func(net.Listener) context.Context { return ctx }, // live pages end with the desk
	}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drained, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	defer cancel()
	err := web.Shutdown(drained)
	if err != nil {
		err = errors.Join(err, web.Close())
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// greet logs where the desk is, and what is still to be done.
func (d *Desk) greet(ctx context.Context, addr net.Addr) {
	d.log.Info("desk ready", slog.String("url", d.cfg.URL), slog.String(logkey.Addr, addr.String()), slog.String("version", process.Version()))
	first, err := d.signin.FirstRun(ctx)
	switch {
	case err != nil:
		d.log.Error("accounts not read", slog.Any(logkey.Err, err))
	case first:
		d.log.Warn("nobody can sign in yet", slog.String("next", "coopkit desk user add NAME --state "+d.cfg.State))
	}
}

// Close frees what the desk holds.
func (d *Desk) Close() error {
	var err error
	if d.store != nil {
		err = d.store.Close()
		d.store = nil
	}
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
		d.lock = nil
	}
	return err
}

func (d *Desk) part(name string) *slog.Logger { return d.log.With(slog.String(logkey.Component, name)) }
