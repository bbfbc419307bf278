// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Sockets are open already: an init system holds them, so that queries wait
// instead of failing while the program is replaced. The server closes them.
type Sockets struct {
	TCP []net.Listener
	UDP []*net.UDPConn
}

// adopt makes the given sockets the server's own.
func (s *Server) adopt(given Sockets) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tcp = append(s.tcp, given.TCP...)
	for _, conn := range given.UDP {
		u, err := adoptUDP(conn)
		if err != nil {
			return errors.Join(fmt.Errorf("take over socket: %w", err), conn.Close())
		}
		s.udp = append(s.udp, u)
	}
	return nil
}

func adoptUDP(conn *net.UDPConn) (*udpSocket, error) {
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return nil, err
	}
	if !local.Addr().IsUnspecified() {
		return newUDPSocket(conn), nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = tell(fd, local.Addr().Is6()) })
	return newUDPSocket(conn), errors.Join(err, failed)
}

// tell has the socket told at which address each query came in: one that
// listens at all addresses must answer from the same.
func tell(fd uintptr, v6 bool) error {
	level, option := syscall.IPPROTO_IP, syscall.IP_PKTINFO
	if v6 {
		level, option = syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO
	}
	return syscall.SetsockoptInt(int(fd), level, option, 1)
}
