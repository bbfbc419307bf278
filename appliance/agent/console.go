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
	"time"

	"golang.org/x/net/netutil"

	"coopkit/appliance"
	"coopkit/appliance/console"
	"coopkit/internal/logkey"
	"coopkit/internal/ownca"
	"coopkit/internal/problem"
	"coopkit/internal/signin"
)

// consolePort is that of the console where none is named.
const consolePort = "8420"

// maxVisitors is how many connections the console has at a time. It shares its
// process with the front door, whose memory and files strangers must not use up
// here.
const maxVisitors = 256

// tokenFor is how long a one-time token for the console can be used.
const tokenFor = time.Hour

// face is the console of this box: its accounts, its pages and its server.
type face struct {
	caFile   string
	accounts *signin.Service
	listener net.Listener
	server   *http.Server
}

// makeConsole makes the console, unless the box serves none.
func (a *Agent) makeConsole() error {
	b, cfg := a.backend, a.cfg
	if cfg.Console == "" {
		return nil
	}
	ca, err := ownca.Open(cfg.path("certificates", "ca"), time.Now)
	if err != nil {
		return err
	}
	accounts := signin.New(signin.Deps{
		Store: b.store.Signin(), Log: a.part("signin"), Cookie: "coopkit", WayBack: "on the box: coopkit console token",
	})
	b.face = &face{caFile: ca.RootFile(), accounts: accounts, server: &http.Server{
		TLSConfig: ca.TLSConfig(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(a.part("console").Handler(), slog.LevelDebug), // browsers that do not know our authority yet
	}}
	return nil
}

// listenConsole opens the console's port, or takes it from systemd.
func (a *Agent) listenConsole() error {
	f := a.backend.face
	if f == nil {
		return nil
	}
	if f.listener = a.cfg.sockets.listener(a.cfg.Console); f.listener != nil {
		return nil
	}
	var err error
	if f.listener, err = net.Listen("tcp", a.cfg.Console); err != nil { //nolint:noctx // a port is opened at once
		return &problem.Problem{
			Code: "console-port-taken", Kind: problem.Conflict,
			What: "the console can not listen at " + a.cfg.Console,
			Why:  "another program has that port, or this machine has no such address",
			Next: []string{"find out which: ss -ltnp", "give the console another place with --console, or none with --console \"\""},
			Err:  err,
		}
	}
	return nil
}

// runConsole serves the console until ctx ends; live pages are cut off then.
// Pages and messages are read here and not before, because visitors of apps and
// sites need not wait for them.
func (a *Agent) runConsole(ctx context.Context) error {
	f := a.backend.face
	if f == nil {
		return nil
	}
	c, err := console.New(console.Deps{
		Box: a.backend.calls(), Accounts: f.accounts, Log: a.part("console"), Now: time.Now, Version: buildVersion(), Spool: a.cfg.path("uploads"),
		Statements: a.backend.store.Statements,
	})
	if err != nil {
		return err
	}
	f.server.Handler = c.Handler()
	stop := context.AfterFunc(ctx, func() { _ = f.server.Close() }) // reported by Serve
	defer stop()
	a.log.Info("console ready", slog.String(logkey.Addr, f.listener.Addr().String()))
	if err := f.server.Serve(ownca.Listener(netutil.LimitListener(f.listener, maxVisitors), f.server.TLSConfig)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// tidyAccounts forgets sessions and tokens that are over.
func (a *Agent) tidyAccounts(ctx context.Context) error {
	f := a.backend.face
	if f == nil {
		return nil
	}
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := f.accounts.Cleanup(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("old sessions not forgotten", slog.Any(logkey.Err, err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ConsoleAccess lets a person into the console once: the first time to make the
// first account, later to give the steward who lost the password a new one.
func (b *backend) ConsoleAccess(ctx context.Context) (appliance.ConsoleAccess, error) {
	if b.face == nil {
		return appliance.ConsoleAccess{}, &problem.Problem{
			Code: "console-off", Kind: problem.Unavailable, What: "this box serves no console",
			Why: "the agent runs without an address for it", Next: []string{"start the agent with --console :" + consolePort},
		}
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

// consoleURL is where a browser on the LAN finds the console.
func (b *backend) consoleURL() string {
	host, port, err := net.SplitHostPort(b.face.listener.Addr().String())
	if err != nil {
		return "https://localhost:" + consolePort
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
		if addrs, err := cardAddrs(); err == nil && len(addrs) > 0 {
			host = addrs[0].String()
		}
	}
	return "https://" + net.JoinHostPort(host, port)
}
