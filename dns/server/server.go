// SPDX-License-Identifier: AGPL-3.0-or-later

// Package server is an authoritative DNS server: it answers for the zones that
// it is given, over UDP and TCP, and for nothing else. It owns sockets and an
// index of packed records that is replaced as a whole. It must not know where
// zones come from. Its tests ask it over real sockets, compare its answers with
// those of Knot for the same zone, and fuzz its packets.
package server

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"coopkit/dns"
	"coopkit/internal/logkey"
)

// Config is what a Server needs.
type Config struct {
	// Listen has the addresses to answer at, for UDP and TCP alike: "192.0.2.7:53",
	// "[2001:db8::7]:53", ":53" for all addresses. With port 0 a free one is taken.
	Listen []string
	// Given are sockets to answer at that are open already, besides Listen.
	Given Sockets
	// UDPRate is how many answers a second each source network (IPv4 /24, IPv6
	// /56) gets over UDP at most; 0 means 2,000. Beyond it every second query is
	// answered with "ask again over TCP" and the others not at all, so that the
	// server is of no use for flooding somebody else. Loopback has no limit.
	UDPRate int
	Log     *slog.Logger
}

// Server is an authoritative DNS server. Its methods are safe for concurrent
// use, except that Listen comes before Run, once.
type Server struct {
	cfg   Config
	index atomic.Pointer[index]

	mu    sync.Mutex
	udp   []*udpSocket
	tcp   []net.Listener
	conns map[net.Conn]string // open TCP connections, and from where
	end   time.Time           // of all TCP connections, once Run ends
	done  bool
}

// New returns a server without zones, which refuses every query.
func New(cfg Config) *Server {
	if cfg.UDPRate == 0 {
		cfg.UDPRate = 2000
	}
	cfg.Log = cfg.Log.With(logkey.Component, "dns")
	s := &Server{cfg: cfg, conns: map[net.Conn]string{}}
	s.index.Store(&index{zones: map[string]*zone{}})
	return s
}

// SetZones makes the server answer for exactly these zones, from one query to
// the next. It returns why some of them are not valid: of those it goes on with
// what it has, and it answers for the others all the same.
func (s *Server) SetZones(zones []dns.Zone) error {
	x, err := newIndex(zones, s.index.Load())
	s.index.Store(x)
	s.cfg.Log.Info("zones replaced", logkey.Count, len(x.zones))
	return err
}

// Addrs returns the addresses at which the server listens, after Listen.
func (s *Server) Addrs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var addrs []string
	for _, l := range s.tcp {
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// Run answers queries until ctx is done, then what has come in already, closes
// all sockets and returns nil. Listen must have succeeded.
func (s *Server) Run(ctx context.Context) error {
	defer s.Close()
	stop := context.AfterFunc(ctx, s.finish)
	defer stop()
	var wg sync.WaitGroup
	s.mu.Lock()
	udp, tcp := slices.Clone(s.udp), slices.Clone(s.tcp)
	s.mu.Unlock()
	for _, u := range udp {
		wg.Go(func() { s.serveUDP(u) })
	}
	for _, l := range tcp {
		wg.Go(func() { s.serveTCP(l, &wg) })
	}
	wg.Wait()
	return nil
}

// lastWord is how long an open TCP connection may still ask while Run ends.
const lastWord = 300 * time.Millisecond

// finish has everything stop where it waits for the next query.
func (s *Server) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.end = now.Add(lastWord)
	for _, u := range s.udp {
		_ = u.conn.SetReadDeadline(now)
	}
	for _, l := range s.tcp {
		_ = l.Close()
	}
	for c := range s.conns {
		_ = c.SetDeadline(s.end)
	}
}

// Close closes all sockets; Run then returns. It may be called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	for _, u := range s.udp {
		_ = u.conn.Close()
	}
	for _, l := range s.tcp {
		_ = l.Close()
	}
	for c := range s.conns {
		_ = c.Close()
	}
}
