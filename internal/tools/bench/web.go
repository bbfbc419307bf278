// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"coopkit/appliance/gateway"
	"coopkit/internal/hostname"
	"coopkit/internal/lean"
)

// The hosts that every front door serves: one proxied, one from files.
const (
	proxied = "app.bench.example"
	static  = "site.bench.example"
)

// front is a front door under load.
type front struct {
	name string
	addr string
	*process
}

// webRows compares the front doors: TLS, keep-alive, bodies of 1 KiB.
func webRows(ctx context.Context, b *bench) ([]row, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hosts, err := b.file("hosts", "127.0.0.1 localhost "+proxied+" "+static+"\n")
	if err != nil {
		return nil, err
	}
	fronts, stop, err := b.fronts(ctx)
	defer stop()
	if err != nil {
		return nil, err
	}
	rate, p99 := map[string][]float64{}, map[string][]float64{}
	for round := range b.rounds {
		for _, host := range []string{proxied, static} {
			for _, f := range fronts {
				got, err := b.load(ctx, hosts, host, f)
				if err != nil {
					return nil, err
				}
				key := host + f.name
				rate[key] = append(rate[key], got.perSecond)
				p99[key] = append(p99[key], got.p99)
				b.say("  round %d %s %s: %.0f requests/s, p99 %.2f ms", round+1, f.name, host, got.perSecond, got.p99)
			}
		}
	}
	med := func(m map[string][]float64, key string) float64 { return median(m[key]) }
	return []row{
		{what: "proxied 1 KiB, TLS", ours: med(rate, proxied+"coopkit"), unit: "req/s", peer: "Caddy", them: med(rate, proxied+"caddy"), goal: 1.2},
		{what: "proxied 1 KiB, TLS", ours: med(rate, proxied+"coopkit"), unit: "req/s", peer: "nginx", them: med(rate, proxied+"nginx")},
		{what: "proxied, p99", ours: med(p99, proxied+"coopkit"), unit: "ms", peer: "Caddy", them: med(p99, proxied+"caddy"), goal: 1, most: true},
		{what: "static 1 KiB, TLS", ours: med(rate, static+"coopkit"), unit: "req/s", peer: "nginx", them: med(rate, static+"nginx"), goal: 0.8},
		{what: "static, p99", ours: med(p99, static+"coopkit"), unit: "ms", peer: "nginx", them: med(p99, static+"nginx")},
		{what: "static 1 KiB, TLS", ours: med(rate, static+"coopkit"), unit: "req/s", peer: "Caddy", them: med(rate, static+"caddy")},
	}, nil
}

// fronts starts the back end and every front door before it.
func (b *bench) fronts(ctx context.Context) (fronts []front, stop func(), err error) {
	var running []*process
	stop = func() {
		for _, p := range running {
			p.stop()
		}
	}
	addrs := make([]string, 4)
	for i := range addrs {
		if addrs[i], err = freeAddr(); err != nil {
			return nil, stop, err
		}
	}
	backEnd := addrs[0]
	root := filepath.Join(b.dir, "www")
	if _, err := b.file("www/index.html", strings.Repeat("c", 1024)); err != nil {
		return nil, stop, err
	}
	commands, err := b.commands(backEnd, root, addrs)
	if err != nil {
		return nil, stop, err
	}
	for i, args := range commands {
		p, err := start(ctx, args[0], args[1:]...)
		if err != nil {
			return nil, stop, err
		}
		running = append(running, p)
		if err := p.wait(ctx, listens(addrs[i])); err != nil {
			return nil, stop, err
		}
		if i > 0 {
			fronts = append(fronts, front{name: []string{"", "coopkit", "nginx", "caddy"}[i], addr: addrs[i], process: p})
		}
	}
	return fronts, stop, nil
}

// commands are the back end's, ours, nginx's and Caddy's.
func (b *bench) commands(backEnd, root string, addrs []string) ([][]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cert, key, err := b.certificate(proxied, static)
	if err != nil {
		return nil, err
	}
	back, err := b.file("back.conf", fmt.Sprintf(nginxMain, b.dir, "back", fmt.Sprintf(nginxBack, backEnd, strings.Repeat("c", 1024))))
	if err != nil {
		return nil, err
	}
	front, err := b.file("nginx.conf", fmt.Sprintf(nginxMain, b.dir, "front", fmt.Sprintf(nginxFront, cert, key, backEnd, addrs[2], proxied, static, root)))
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addrs[3])
	caddy, err := b.file("Caddyfile", fmt.Sprintf(caddyfile, port, proxied, static, cert, key, backEnd, root))
	if err != nil {
		return nil, err
	}
	return [][]string{
		{"nginx", "-c", back},
		{self, "-serve", "gateway", addrs[1], backEnd, root, filepath.Join(b.dir, "gateway")},
		{"nginx", "-c", front},
		{"caddy", "run", "--config", caddy, "--adapter", "caddyfile"},
	}, nil
}

// staticPeer is nginx with a file of 1 KiB behind TLS, as others are compared with.
type staticPeer struct {
	front
	hosts string
}

func (b *bench) staticPeer(ctx context.Context) (*staticPeer, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p := &staticPeer{front: front{name: "nginx", addr: addr}}
	if p.hosts, err = b.file("hosts", "127.0.0.1 localhost "+static+"\n"); err != nil {
		return nil, err
	}
	if _, err := b.file("www/index.html", strings.Repeat("c", 1024)); err != nil {
		return nil, err
	}
	cert, key, err := b.certificate(static)
	if err != nil {
		return nil, err
	}
	site := fmt.Sprintf(nginxSite, addr, static, filepath.Join(b.dir, "www"), cert, key)
	config, err := b.file("static.conf", fmt.Sprintf(nginxMain, b.dir, "static", site))
	if err != nil {
		return nil, err
	}
	if p.process, err = start(ctx, "nginx", "-c", config); err != nil {
		return nil, err
	}
	return p, p.wait(ctx, listens(addr))
}

// serveGateway is our front door with the two hosts; see commands.
func serveGateway(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("got %d arguments, want 4", len(args))
	}
	target, err := netip.ParseAddrPort(args[1])
	if err != nil {
		return fmt.Errorf("read the back end's address: %w", err)
	}
	lean.Set()
	g, err := gateway.New(
		gateway.Config{HTTPS: args[0], Storage: args[3], Issuer: gateway.IssuerConfig{Kind: gateway.IssuerLocal}},
		gateway.Deps{Log: slog.New(slog.DiscardHandler)},
	)
	if err != nil {
		return err
	}
	bad := g.SetRoutes([]gateway.Route{ //nolint:contextcheck // it returns at once
		{Host: hostname.Name(proxied), Kind: gateway.Service, Target: target},
		{Host: hostname.Name(static), Kind: gateway.Site, Root: args[2]},
	})
	if len(bad) > 0 {
		return bad[0].Err
	}
	return g.Run(ctx)
}

// loaded is what wrk measured.
type loaded struct {
	perSecond float64
	p50, p99  float64 // milliseconds
	answered  int
}

// load asks a front door for a page of one of the hosts.
func (b *bench) load(ctx context.Context, hosts, host string, f front) (loaded, error) {
	_, port, _ := net.SplitHostPort(f.addr)
	return b.wrk(ctx, hosts, 32, "https://"+net.JoinHostPort(host, port)+"/index.html")
}

// wrk runs wrk in a mount namespace of its own, where /etc/hosts knows the
// names, so that the name goes into the handshake as a browser would send it.
func (b *bench) wrk(ctx context.Context, hosts string, connections int, args ...string) (loaded, error) {
	out, err := output(ctx, "unshare", append([]string{
		"--mount", "sh", "-c", `mount --bind "$1" /etc/hosts && shift && exec "$@"`, "sh", hosts,
		"wrk", "--threads", "1", "--connections", strconv.Itoa(connections), "--duration", b.length.String(), "--latency",
	}, args...)...)
	if err != nil {
		return loaded{}, err
	}
	return readWrk(out)
}

var (
	wrkRate   = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkP50    = regexp.MustCompile(`50%\s+([0-9.]+)(us|ms|s)`)
	wrkP99    = regexp.MustCompile(`99%\s+([0-9.]+)(us|ms|s)`)
	wrkCount  = regexp.MustCompile(`(\d+) requests in`)
	wrkFailed = regexp.MustCompile(`Non-2xx or 3xx responses: \d+|Socket errors: .*`)
)

// readWrk reads wrk's report. Answers that are not good ones are an error: a
// front door that refuses is fast.
func readWrk(out string) (loaded, error) {
	if bad := wrkFailed.FindString(out); bad != "" {
		return loaded{}, fmt.Errorf("wrk: %s", bad)
	}
	var l loaded
	for _, figure := range []struct {
		in *regexp.Regexp
		to *float64
	}{{wrkRate, &l.perSecond}, {wrkP50, &l.p50}, {wrkP99, &l.p99}} {
		found := figure.in.FindStringSubmatch(out)
		if found == nil {
			return loaded{}, fmt.Errorf("wrk: no figures in its report: %s", out)
		}
		value, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			return loaded{}, err
		}
		*figure.to = value
		if len(found) == 3 {
			*figure.to *= map[string]float64{"us": 0.001, "ms": 1, "s": 1000}[found[2]]
		}
	}
	count := wrkCount.FindStringSubmatch(out)
	if count == nil {
		return loaded{}, fmt.Errorf("wrk: no count in its report: %s", out)
	}
	var err error
	l.answered, err = strconv.Atoi(count[1])
	return l, err
}
