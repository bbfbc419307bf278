// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"coopkit/internal/logkey"
	"coopkit/internal/portholder"
	"coopkit/internal/problem"
)

// portTries is how often a free port is looked for that both UDP and TCP have.
const portTries = 10

// Listen opens all sockets. On error none stays open. The error is a Problem
// "dns-port-taken" that says by whom, or "dns-listen".
func (s *Server) Listen() error {
	if err := s.adopt(s.cfg.Given); err != nil {
		s.Close()
		return err
	}
	for _, addr := range s.cfg.Listen {
		binds, err := split(addr)
		if err == nil {
			err = s.listenAll(binds)
		}
		if err != nil {
			s.Close()
			return listenProblem(addr, err)
		}
	}
	if addrs := s.Addrs(); len(addrs) > 0 {
		s.cfg.Log.Info("listening", logkey.Addr, addrs)
	}
	return nil
}

// bind is one address of one family.
type bind struct{ family, host, port string }

// split turns ":53" into one bind per family, and any other into one.
func split(addr string) ([]bind, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	if host == "" {
		return []bind{{"4", "0.0.0.0", port}, {"6", "::", port}}, nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	if ip.Is4() {
		return []bind{{"4", host, port}}, nil
	}
	return []bind{{"6", host, port}}, nil
}

// listenAll opens the binds of one address. A machine without IPv6 does with
// IPv4 where all addresses are meant.
func (s *Server) listenAll(binds []bind) error {
	for i, b := range binds {
		port, err := s.listenOne(b)
		if i > 0 && errors.Is(err, syscall.EAFNOSUPPORT) {
			continue
		}
		if err != nil {
			return err
		}
		for j := range binds {
			binds[j].port = port
		}
	}
	return nil
}

// listenOne opens TCP and UDP at one address and returns the port.
func (s *Server) listenOne(b bind) (string, error) {
	var err error
	for range portTries {
		var l net.Listener
		var cfg net.ListenConfig
		l, err = cfg.Listen(context.Background(), "tcp"+b.family, net.JoinHostPort(b.host, b.port))
		if err != nil {
			return "", err
		}
		_, port, _ := net.SplitHostPort(l.Addr().String()) // the net package made it
		var socks []*udpSocket
		socks, err = openUDP(b.family, net.JoinHostPort(b.host, port), sockets())
		if err == nil {
			s.mu.Lock()
			s.tcp, s.udp = append(s.tcp, l), append(s.udp, socks...)
			s.mu.Unlock()
			return port, nil
		}
		_ = l.Close()
		if b.port != "0" || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return "", err
}

// sockets returns how many UDP sockets share one address.
func sockets() int { return min(runtime.GOMAXPROCS(0), maxSockets) }

// openUDP opens n sockets at one address, among which the kernel spreads the
// askers. A first socket without that option finds out whether somebody else
// has the port: with the option set, the kernel would share it between us.
func openUDP(family, addr string, n int) (socks []*udpSocket, err error) {
	ctx := context.Background()
	probe, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp"+family, addr)
	if err != nil {
		return nil, err
	}
	_ = probe.Close()
	defer func() {
		if err != nil {
			for _, u := range socks {
				_ = u.conn.Close()
			}
		}
	}()
	cfg := net.ListenConfig{Control: shareAndTell}
	for range n {
		conn, err := cfg.ListenPacket(ctx, "udp"+family, addr)
		if err != nil {
			return socks, err
		}
		socks = append(socks, newUDPSocket(conn.(*net.UDPConn)))
	}
	return socks, nil
}

// shareAndTell lets sockets share a port, and those that listen at all addresses
// be told at which each query came in.
func shareAndTell(network, addr string, c syscall.RawConn) error {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	var share, told error
	err = c.Control(func(fd uintptr) {
		share = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		if at.Addr().IsUnspecified() {
			told = tell(fd, network == "udp6")
		}
	})
	return errors.Join(err, share, told)
}

// listenProblem says why an address cannot be listened at.
func listenProblem(addr string, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return &problem.Problem{
			Code: "dns-listen", Kind: problem.Unavailable,
			What: "the DNS server cannot listen at " + addr,
			Why:  reason(err),
			Next: []string{"choose another address or port for the DNS server", "ports below 1024 need the agent to run as root"},
			Err:  err,
		}
	}
	holder := portholder.Holder("udp", addr)
	if holder == "" {
		holder = portholder.Holder("tcp", addr)
	}
	why := "another program has the port"
	if holder != "" {
		why = holder + " has the port"
	}
	return &problem.Problem{
		Code: "dns-port-taken", Kind: problem.Conflict,
		What: "the DNS server cannot listen at " + addr + ", because the port is taken",
		Why:  why,
		Next: []string{
			"stop that program if it is not needed, then start the agent again",
			"or let the DNS server listen at one address of this machine instead of all",
		},
		Err: err,
	}
}

func reason(err error) string {
	switch {
	case errors.Is(err, syscall.EACCES):
		return "the agent may not use this port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine does not have the address"
	case errors.Is(err, syscall.EAFNOSUPPORT):
		return "this machine has no addresses of this kind"
	default:
		return "the address is not understood or not usable"
	}
}
