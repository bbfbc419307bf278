// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"coopkit/dns"
	"coopkit/dns/server"
	"coopkit/dns/zonefile"
)

const (
	dnsZone  = "bench.example"
	dnsHosts = 1000
)

// benchZone is the zone that both servers serve.
func benchZone() (dns.Zone, error) {
	zone := dns.NewZone(dnsZone, time.Now(), "ns1."+dnsZone)
	glue, err := dns.AddressRecord("ns1."+dnsZone, 300, netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		return zone, err
	}
	zone.Records = append(zone.Records, glue)
	for i := range dnsHosts {
		r, err := dns.AddressRecord(fmt.Sprintf("host%d.%s", i, dnsZone), 300, netip.MustParseAddr("192.0.2.7"))
		if err != nil {
			return zone, err
		}
		zone.Records = append(zone.Records, r)
	}
	return zone.Normalise()
}

// serveDNS is our name server; see dnsRows.
func serveDNS(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("got %d arguments, want the address", len(args))
	}
	zone, err := benchZone()
	if err != nil {
		return err
	}
	s := server.New(server.Config{Listen: args, Log: slog.New(slog.DiscardHandler)})
	if err := s.SetZones([]dns.Zone{zone}); err != nil {
		return err
	}
	if err := s.Listen(); err != nil { //nolint:contextcheck // it returns at once
		return err
	}
	return s.Run(ctx)
}

// dnsRows compares the name servers over UDP: names that exist, and one in ten
// that does not.
func dnsRows(ctx context.Context, b *bench) ([]row, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queries, err := b.file("queries", dnsQueries())
	if err != nil {
		return nil, err
	}
	servers, err := b.nameServers(ctx)
	if err != nil {
		return nil, err
	}
	rate := map[string][]float64{}
	for round := range b.rounds {
		for _, s := range servers {
			host, port, _ := net.SplitHostPort(s.addr)
			out, err := output(ctx, "dnsperf", "-s", host, "-p", port, "-d", queries, "-l", strconv.Itoa(max(1, int(b.length.Seconds()))), "-c", "8", "-T", "1", "-q", "200")
			if err != nil {
				return nil, err
			}
			got, err := readDNSPerf(out)
			if err != nil {
				return nil, err
			}
			rate[s.name] = append(rate[s.name], got)
			b.say("  round %d %s: %.0f queries/s", round+1, s.name, got)
		}
	}
	return []row{{what: "DNS over UDP", ours: median(rate["coopkit"]), unit: "queries/s", peer: "Knot", them: median(rate["knot"]), goal: 0.9}}, nil
}

func dnsQueries() string {
	var b strings.Builder
	for i := range dnsHosts {
		fmt.Fprintf(&b, "host%d.%s A\n", i, dnsZone)
		if i%10 == 0 {
			fmt.Fprintf(&b, "missing%d.%s A\n", i, dnsZone)
		}
	}
	return b.String()
}

// nameServers starts both with the same zone; they end with ctx.
func (b *bench) nameServers(ctx context.Context) ([]front, error) {
	zone, err := benchZone()
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := zonefile.Format(&text, zone); err != nil {
		return nil, err
	}
	if _, err := b.file("knot/zone", text.String()); err != nil {
		return nil, err
	}
	ours, err := freeAddr()
	if err != nil {
		return nil, err
	}
	theirs, err := freeAddr()
	if err != nil {
		return nil, err
	}
	conf, err := b.file("knot.conf", fmt.Sprintf(knotConf, b.dir+"/knot", strings.Replace(theirs, ":", "@", 1), dnsZone))
	if err != nil {
		return nil, err
	}
	p, err := b.self(ctx, "dns", ours)
	if err != nil {
		return nil, err
	}
	if err := p.wait(ctx, listens(ours)); err != nil {
		return nil, err
	}
	k, err := start(ctx, "knotd", "-c", conf)
	if err != nil {
		return nil, err
	}
	if err := k.wait(ctx, listens(theirs)); err != nil {
		return nil, err
	}
	return []front{{"coopkit", ours, p}, {"knot", theirs, k}}, nil
}

const knotConf = `server:
  rundir: %[1]s
  listen: %[2]s
database:
  storage: %[1]s
log:
  - target: stderr
    any: error
zone:
  - domain: %[3]s
    storage: %[1]s
    file: zone
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
`

var (
	dnsRate = regexp.MustCompile(`Queries per second:\s+([0-9.]+)`)
	dnsLost = regexp.MustCompile(`Queries lost:\s+\d+ \(([0-9.]+)%\)`)
)

// readDNSPerf reads dnsperf's report; losing more than one query in a hundred
// is an error, because a server that drops is fast.
func readDNSPerf(out string) (float64, error) {
	rate, lost := dnsRate.FindStringSubmatch(out), dnsLost.FindStringSubmatch(out)
	if rate == nil || lost == nil {
		return 0, fmt.Errorf("dnsperf: no figures in its report: %s", out)
	}
	share, err := strconv.ParseFloat(lost[1], 64)
	if err != nil {
		return 0, err
	}
	if share > 1 {
		return 0, fmt.Errorf("dnsperf: %g%% of the queries were lost", share)
	}
	return strconv.ParseFloat(rate[1], 64)
}
