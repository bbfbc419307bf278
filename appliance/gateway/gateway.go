// SPDX-License-Identifier: AGPL-3.0-or-later

// Package gateway is the front door of the box: it owns the HTTP and HTTPS
// listeners, the table of routes, the proxy to the services of apps, the
// serving of static sites, the holding pages and the certificates. It must not
// know of installs, recipes, containers or the store: whoever composes the
// agent hands it routes. It is tested with real listeners, an in-process
// Pebble as the certificate authority, a real DNS server, WebSockets and
// route changes under load.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/limit"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/supervise"

	"golang.org/x/sync/errgroup"
)

// Config says where the front door stands.
type Config struct {
	HTTP  string // address to listen on for plain HTTP, e.g. ":80"; empty = none
	HTTPS string // address to listen on for HTTPS, e.g. ":443"

	// HTTPListener and HTTPSListener, when set, are sockets that are open
	// already (systemd hands them over); HTTP and HTTPS are then ignored.
	HTTPListener, HTTPSListener net.Listener

	// PublicHTTPSPort is the port that visitors use for HTTPS; redirects to
	// HTTPS name it. 0 = the port of the HTTPS listener.
	PublicHTTPSPort int

	Storage string // folder for certificates, keys and accounts; made with mode 0700
	Issuer  IssuerConfig

	// Drain is how long a shutdown waits for open requests and WebSockets
	// before it cuts them off. 0 = 10 seconds.
	Drain time.Duration

	tuning tuning
}

// tuning holds what only tests change; zero values mean the defaults.
type tuning struct {
	localLifetime time.Duration   // of a leaf of the local CA
	renewCheck    time.Duration   // between two looks at the certificates
	retry         []time.Duration // waits between attempts for a certificate
	patience      *patience       // with visitors
}

// Deps are the parts that the gateway is given.
type Deps struct {
	Log *slog.Logger
	TXT TXTWriter // needed for dns-01 only
	// Report is told why a part of the gateway does not work, and nil when it
	// does again; what can be served is served meanwhile. nil: only the log is.
	Report func(part string, err error)
	Now    func() time.Time // nil = time.Now
}

// Gateway is the front door. All methods are safe for concurrent use.
type Gateway struct {
	cfg    Config
	log    *slog.Logger
	report func(part string, err error)
	set    sync.Mutex // held while the table is replaced
	table  atomic.Pointer[table]
	certs  *certificates
	pages  *pages
	back   *backends

	patience patience
	counts   counts
	conns    *limit.Connections
	services services

	httpLn, httpsLn net.Listener
	publicPort      int
	hsts            bool
	inside          inside
	open            tracker // upgraded connections, which the servers do not wait for
}

// New checks cfg and makes the storage folder. It opens no listener and
// starts nothing; call Listen, then Run. The error is a Problem.
func New(cfg Config, deps Deps) (*Gateway, error) {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Report == nil {
		deps.Report = func(string, error) {}
	}
	if cfg.Drain == 0 {
		cfg.Drain = 10 * time.Second
	}
	if err := os.MkdirAll(cfg.Storage, 0o700); err != nil {
		return nil, &problem.Problem{
			Code: "gateway-storage", Kind: problem.Failed,
			What: "the folder for certificates could not be made",
			Why:  "the agent may not write there, or the disk is full",
			Next: []string{"make sure that the agent may write to " + cfg.Storage},
			Err:  err,
		}
	}
	if cfg.tuning.patience == nil {
		p := defaultPatience()
		cfg.tuning.patience = &p
	}
	log := deps.Log.With(logkey.Component, "gateway")
	certs, err := newCertificates(cfg, deps, log)
	if err != nil {
		return nil, err
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		inside: inside{open: map[netip.AddrPort]net.Listener{}, failed: map[netip.AddrPort]bool{}}, cfg: cfg, log: log, report: deps.Report, certs: certs, pages: pages, back: newBackends(),
		patience: *cfg.tuning.patience, conns: newConnections(), services: services{at: make(map[netip.AddrPort]*turns)},
	}
	g.table.Store(&table{})
	return g, nil
}

// Addrs are the addresses on which the gateway listens; nil where it does not.
type Addrs struct{ HTTP, HTTPS net.Addr }

// Addrs returns where the gateway listens; call it after Listen.
func (g *Gateway) Addrs() Addrs {
	var a Addrs
	if g.httpLn != nil {
		a.HTTP = g.httpLn.Addr()
	}
	if g.httpsLn != nil {
		a.HTTPS = g.httpsLn.Addr()
	}
	return a
}

// BadRoute is a route that cannot be used, and why: a Problem "route-invalid".
type BadRoute struct {
	Route Route
	Err   error
}

// SetRoutes replaces the whole table of routes at once. Requests under way end
// on the old table; no request is dropped. Hosts that are new get their
// certificates in the background, hosts that are gone are no longer looked
// after. It returns the routes that cannot be used, nil when all can: their
// hosts show the page Failing, and the next call tries them anew.
func (g *Gateway) SetRoutes(routes []Route) []BadRoute {
	g.set.Lock()
	defer g.set.Unlock()
	next, bad := g.build(routes)
	g.table.Store(next)
	targets := next.targets()
	g.back.keep(targets)
	g.services.keep(targets)
	hosts := next.names()
	g.certs.want(hosts)
	g.log.Info("route table replaced", logkey.Count, len(hosts), "bad", len(bad))
	return bad
}

// Run serves until ctx ends, then lets open requests finish for as long as
// Config.Drain says. It calls Listen if that was not done. It returns nil after
// an orderly end; all goroutines have ended then.
func (g *Gateway) Run(ctx context.Context) error {
	if err := g.Listen(); err != nil { //nolint:contextcheck // opening a socket does not wait
		return err
	}
	life, cut := context.WithCancel(context.WithoutCancel(ctx)) // outlives ctx by the drain
	defer cut()
	group, gctx := errgroup.WithContext(ctx)
	for name, run := range map[string]func(context.Context) error{"certificates": g.certs.run, "connections": g.back.run} {
		group.Go(func() error {
			supervise.Keep(gctx, g.log, supervise.Part{Name: name, Run: run, Report: func(err error) { g.report(name, err) }})
			return nil
		})
	}
	secure := g.httpsServer(life)
	servers := []*http.Server{secure}
	doors := []served{{func(l net.Listener) error {
		return secure.Serve(limit.Secure(g.conns.Listen(l), secure.TLSConfig, g.patience.head))
	}, g.httpsLn, g.publicPort}}
	if g.httpLn != nil {
		plain := g.httpServer(life)
		servers = append(servers, plain)
		doors = append(doors, served{func(l net.Listener) error { return plain.Serve(g.conns.Listen(l)) }, g.httpLn, portOf(g.httpLn)})
	}
	for _, d := range doors {
		group.Go(func() error { return serve(d.on(d.main)) })
	}
	g.startInside(doors) //nolint:contextcheck // opening a socket does not wait
	group.Go(func() error {
		<-gctx.Done()
		g.stopInside() //nolint:contextcheck // it opens none
		g.drain(life, cut, servers)
		return nil
	})
	err := group.Wait()
	g.back.close()
	return err
}

// serve turns the error with which a server ends into Run's.
func serve(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// drain closes the listeners, waits for what is open, and cuts the rest.
func (g *Gateway) drain(life context.Context, cut func(), servers []*http.Server) {
	g.pause(life)
	limit, cancel := context.WithTimeout(life, g.cfg.Drain)
	defer cancel()
	var group errgroup.Group
	for _, s := range servers {
		group.Go(func() error { return s.Shutdown(limit) })
	}
	err := group.Wait()
	g.open.wait(limit)
	late := err != nil || limit.Err() != nil // asked before cut, which ends limit too
	cut()
	for _, s := range servers {
		_ = s.Close()
	}
	if late {
		g.log.Warn("some connections were cut at shutdown", logkey.Took, g.cfg.Drain)
	}
}

// Certificates returns what is known about the certificate of each host in the
// table, sorted by host.
func (g *Gateway) Certificates() []appliance.Certificate { return g.certs.infos() }

// Serves reports whether name, in any case, is in the table.
func (g *Gateway) Serves(name string) bool { return g.table.Load().lookup(name) != nil }

// CAFile returns the path of the local CA's root certificate (PEM), or "" when
// the issuer is not local or its CA cannot be opened.
func (g *Gateway) CAFile() string { return g.certs.ca.rootFile() }

// WaitCertificate waits until host has a certificate that is valid now. When
// ctx ends first, the error is the Problem "certificate-failed" with the reason
// of the last attempt. A host that is not in the table is an error at once.
func (g *Gateway) WaitCertificate(ctx context.Context, host hostname.Name) error {
	return g.certs.wait(ctx, host)
}
