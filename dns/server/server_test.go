// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"context"
	"log/slog"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"coopkit/dns"
)

// zoneOf makes a zone from "name type data" lines below its name; "@" is the
// zone itself.
func zoneOf(tb testing.TB, name string, lines ...[3]string) dns.Zone {
	tb.Helper()
	z := dns.NewZone(name, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	z.Records = append(z.Records, dns.Record{Name: "ns1." + name, Type: "A", TTL: 300, Data: "192.0.2.1"})
	for _, l := range lines {
		owner := l[0] + "." + name
		if l[0] == "@" {
			owner = name
		}
		z.Records = append(z.Records, dns.Record{Name: owner, Type: l[1], TTL: 300, Data: l[2]})
	}
	z, err := z.Normalise()
	if err != nil {
		tb.Fatal(err)
	}
	return z
}

// start runs a server on a free port of loopback and returns its address.
func start(tb testing.TB, zones ...dns.Zone) (s *Server, addr string) {
	tb.Helper()
	s = New(Config{Listen: []string{"127.0.0.1:0"}, Log: slog.New(slog.DiscardHandler)})
	if err := s.SetZones(zones); err != nil {
		tb.Fatal(err)
	}
	run(tb, s)
	return s, s.Addrs()[0]
}

// run makes the server listen and answer until the test ends.
func run(tb testing.TB, s *Server) {
	tb.Helper()
	if err := s.Listen(); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
}

// ask sends one query and returns the answer.
func ask(tb testing.TB, network, addr string, q *mdns.Msg) *mdns.Msg {
	tb.Helper()
	c := mdns.Client{Net: network, Timeout: 5 * time.Second, UDPSize: 4096}
	a, _, err := c.Exchange(q, addr)
	if err != nil {
		tb.Fatalf("ask %v over %s: %v", q.Question, network, err)
	}
	return a
}

func question(name string, typ uint16) *mdns.Msg {
	return new(mdns.Msg).SetQuestion(name, typ)
}
