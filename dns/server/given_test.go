// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"coopkit/dns"
)

// TestServer_endsAndTheNextGoesOn: sockets that somebody else holds lose no
// query while one server ends and another begins.
func TestServer_endsAndTheNextGoesOn(t *testing.T) {
	tcp, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	udp, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = udp.Close() }()
	serve := func() (end func()) {
		s := New(Config{Given: Sockets{TCP: []net.Listener{copied(t, tcp)}, UDP: []*net.UDPConn{copiedUDP(t, udp)}}, Log: slog.New(slog.DiscardHandler)})
		if err := s.SetZones([]dns.Zone{zoneOf(t, "demo.example")}); err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	end := serve()
	open, err := mdns.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	began := time.Now()
	end()
	if took := time.Since(began); took > tcpIdle/2 {
		t.Errorf("an open connection held the end up for %v", took)
	}
	answers := make(chan error, 2)
	for _, network := range []string{"udp", "tcp"} {
		go func() {
			c := mdns.Client{Net: network, Timeout: 10 * time.Second}
			_, _, err := c.Exchange(question("demo.example.", mdns.TypeSOA), tcp.Addr().String())
			answers <- err
		}()
	}
	defer serve()()
	for range 2 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}

func copied(t *testing.T, l net.Listener) net.Listener {
	t.Helper()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	c, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func copiedUDP(t *testing.T, p net.PacketConn) *net.UDPConn {
	t.Helper()
	f, err := p.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	c, err := net.FilePacketConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*net.UDPConn)
}
