// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"

	"github.com/coreos/go-systemd/v22/activation"

	"coopkit/dns/server"
	"coopkit/internal/logkey"
)

// sockets are those that systemd opened for this process and keeps open while
// the process is replaced: visitors wait then, instead of being refused. They
// are also why the agent needs no right to open ports below 1024.
type sockets struct {
	tcp []net.Listener
	udp []*net.UDPConn
}

// handedOver takes the sockets from systemd; without one there are none.
func handedOver() (sockets, error) { return socketsFrom(activation.Files(true)) }

func socketsFrom(files []*os.File) (sockets, error) {
	var s sockets
	var errs []error
	for _, f := range files {
		if l, err := net.FileListener(f); err == nil {
			s.tcp = append(s.tcp, l)
		} else if c, err := net.FilePacketConn(f); err == nil {
			if udp, ok := c.(*net.UDPConn); ok {
				s.udp = append(s.udp, udp)
			}
		} else {
			errs = append(errs, fmt.Errorf("take socket %s from systemd: %w", f.Name(), err))
		}
		errs = append(errs, f.Close()) // what net made is a copy
	}
	return s, errors.Join(errs...)
}

// listener takes the socket whose port is that of addr, or nil.
func (s *sockets) listener(addr string) net.Listener {
	i := slices.IndexFunc(s.tcp, func(l net.Listener) bool { return samePort(l.Addr(), addr) })
	if i < 0 {
		return nil
	}
	l := s.tcp[i]
	s.tcp = slices.Delete(s.tcp, i, i+1)
	return l
}

// dns takes the sockets of the name server's addresses. It returns the
// addresses for which there are none.
func (s *sockets) dns(addrs []string) (given server.Sockets, rest []string) {
	for _, addr := range addrs {
		var found bool
		for l := s.listener(addr); l != nil; l = s.listener(addr) {
			given.TCP, found = append(given.TCP, l), true
		}
		s.udp = slices.DeleteFunc(s.udp, func(c *net.UDPConn) bool {
			same := samePort(c.LocalAddr(), addr)
			if same {
				given.UDP, found = append(given.UDP, c), true
			}
			return same
		})
		if !found {
			rest = append(rest, addr)
		}
	}
	return given, rest
}

// closeRest closes what no flag asked for, so that nobody waits there in vain.
func (s *sockets) closeRest(log *slog.Logger) {
	for _, l := range s.tcp {
		log.Warn("socket from systemd not used: no flag has its port", slog.String(logkey.Addr, l.Addr().String()))
		_ = l.Close()
	}
	for _, c := range s.udp {
		log.Warn("socket from systemd not used: no flag has its port", slog.String(logkey.Addr, c.LocalAddr().String()))
		_ = c.Close()
	}
	s.tcp, s.udp = nil, nil
}

// samePort is true when both addresses have the same port.
func samePort(have net.Addr, want string) bool {
	_, a, err := net.SplitHostPort(have.String())
	_, b, err2 := net.SplitHostPort(want)
	return err == nil && err2 == nil && a == b
}
