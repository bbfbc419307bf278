// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console"
	"coopkit/appliance/engine/hostnet"
	"coopkit/internal/limit"
	"coopkit/internal/logkey"
	"coopkit/internal/ownca"
	"coopkit/internal/problem"
	"coopkit/internal/process"
	"coopkit/internal/signin"
)

// consolePort is that of the console where none is named.
const consolePort = "8420"

// How many connections the console has at a time, and how many of one network.
// It shares its process with the front door, whose memory and files strangers
// must not use up here.
const (
	maxVisitors        = 128
	maxVisitorsFromOne = maxVisitors / 4
	maxConsoleStreams  = 40 // requests that share a connection: live pages, and what is asked beside them
)

// headWithin is how long a TLS handshake may take, and the head of a request.
const headWithin = 10 * time.Second

// tokenFor is how long a one-time token for the console can be used.
const tokenFor = time.Hour

// face is the console of this box: its accounts, its pages and its server. A nil
// face is that of a box that serves no console.
type face struct {
	accounts *signin.Service
	dir      string                       // of the certificate authority
	listen   func() (net.Listener, error) // opens the port, or takes it from systemd

	mu       sync.Mutex
	ca       *ownca.Authority
	listener net.Listener // nil: not open
}

// makeConsole makes the console, unless the box serves none.
func (a *Agent) makeConsole() {
	if a.cfg.Console == "" {
		return
	}
	a.backend.face = &face{dir: a.cfg.path("certificates", "ca"), listen: a.listenConsole, accounts: signin.New(signin.Deps{
		Store: a.backend.store.Signin(), Log: a.part("signin"), Cookie: "coopkit", WayBack: "on the box: coopkit console token",
	})}
}

// listenConsole opens the console's port, or takes it from systemd.
func (a *Agent) listenConsole() (net.Listener, error) {
	if l := a.cfg.sockets.listener(a.cfg.Console); l != nil {
		return l, nil
	}
	l, err := net.Listen("tcp", a.cfg.Console) //nolint:noctx // a port is opened at once
	if err != nil {
		return nil, &problem.Problem{
			Code: "console-port-taken", Kind: problem.Conflict,
			What: "the console cannot listen at " + a.cfg.Console,
			Why:  "another program has that port, or this machine has no such address",
			Next: []string{"find out which: ss -ltnp", "give the console another place with --console, or none with --console \"\""},
			Err:  err,
		}
	}
	return l, nil
}

// open opens the certificate authority and the port, if they are not open.
func (f *face) open() (err error) {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ca == nil {
		if f.ca, err = ownca.Open(f.dir, time.Now); err != nil {
			f.ca = nil
			return err
		}
	}
	if f.listener == nil {
		f.listener, err = f.listen()
	}
	return err
}

// broken reports whether there should be a console and is none.
func (f *face) broken() bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.listener == nil
}

// at is where the console listens, and the file of its root certificate; empty
// when it does not.
func (f *face) at() (addr, caFile string) {
	if f == nil {
		return "", ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener == nil {
		return "", ""
	}
	return f.listener.Addr().String(), f.ca.RootFile()
}

// close closes the port.
func (f *face) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != nil {
		_ = f.listener.Close() // the server may have closed it already
		f.listener = nil
	}
}

// runConsole serves the console until ctx ends; live pages are cut off then.
// Pages and messages are read here and not before, because visitors of apps and
// sites need not wait for them.
func (a *Agent) runConsole(ctx context.Context) error {
	f := a.backend.face
	if f == nil {
		return nil
	}
	if err := f.open(); err != nil {
		return err
	}
	defer f.close()
	c, err := console.New(console.Deps{ //nolint:contextcheck // pages have the contexts of their requests
		Box: a.backend.calls(), Accounts: f.accounts, Log: a.part("console"), Now: time.Now, Version: process.Version(),
		Statements: a.backend.store.Statements, Metrics: a.backend.metrics,
	})
	if err != nil {
		return err
	}
	conns := limit.NewConnections(maxVisitors, maxVisitorsFromOne)
	names := ownca.MachineNames(func(name string) bool {
		return slices.Contains(a.cfg.ConsoleNames, name) || a.backend.gateway.Serves(name)
	})
	server := &http.Server{
		Handler: names.Only(c.Handler()), Protocols: limit.Protocols(), ReadHeaderTimeout: headWithin, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: limit.HeadBytes,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: maxConsoleStreams, MaxReadFrameSize: 16 << 10, MaxReceiveBufferPerConnection: 64 << 10, WriteByteTimeout: time.Minute},
		ConnState: conns.State,
		ErrorLog:  slog.NewLogLogger(a.part("console").Handler(), slog.LevelDebug), // browsers that do not know our authority yet
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // reported by Serve
	defer stop()
	addr, _ := f.at()
	a.log.Info("console ready", slog.String(logkey.Addr, addr))
	if err := server.Serve(limit.Secure(ownca.Listener(conns.Listen(f.listener)), f.ca.TLSConfig(names), headWithin)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ConsoleAccess lets a person into the console once: the first time to make the
// first account, later to give the steward who lost the password a new one.
func (b *backend) ConsoleAccess(ctx context.Context) (appliance.ConsoleAccess, error) {
	if b.face == nil {
		return appliance.ConsoleAccess{}, consoleOff()
	}
	people, err := b.face.accounts.People(ctx)
	if err != nil {
		return appliance.ConsoleAccess{}, err
	}
	var who signin.PersonID
	if i := slices.IndexFunc(people, func(p signin.Person) bool { return !p.Disabled }); i >= 0 {
		who = people[i].ID
	}
	token, err := b.face.accounts.NewToken(ctx, who, tokenFor)
	if err != nil {
		return appliance.ConsoleAccess{}, err
	}
	path := "/setup"
	if who != "" {
		path = "/signin/recover"
	}
	return appliance.ConsoleAccess{URL: b.consoleURL() + path, Token: token.Text, Expires: token.Expires}, nil
}

func consoleOff() error {
	return &problem.Problem{
		Code: "console-off", Kind: problem.Unavailable, What: "this box serves no console",
		Why: "the agent runs without an address for it", Next: []string{"start the agent with --console :" + consolePort},
	}
}

// metricsURL is where a Prometheus finds the metrics.
func (b *backend) metricsURL() (string, error) {
	if b.face == nil {
		return "", consoleOff()
	}
	return b.consoleURL() + console.MetricsPath, nil
}

// consoleURL is where a browser on the LAN finds the console.
func (b *backend) consoleURL() string {
	addr, _ := b.face.at()
	if addr == "" { // it is not open now, and will be there again
		addr = b.cfg.Console
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "https://localhost:" + consolePort
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
		if addrs, err := lanAddrs(); err == nil && len(addrs) > 0 {
			host = addrs[0].String()
		}
	}
	return "https://" + net.JoinHostPort(host, port)
}

// lanAddrs are the addresses at which a browser beside the box finds it.
func lanAddrs() ([]netip.Addr, error) {
	if local, err := hostnet.Local(); err != nil || len(local) > 0 {
		return local, err
	}
	addrs, _, err := hostnet.Addresses()
	return addrs, err
}
