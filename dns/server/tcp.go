// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"coopkit/internal/logkey"
)

const (
	maxConns        = 256              // TCP connections at a time
	maxConnsPerHost = 32               // of those, from one address
	tcpIdle         = 10 * time.Second // for the next query to arrive in full, and for an answer to be taken
	acceptPause     = 100 * time.Millisecond
)

// serveTCP accepts connections until the listener is closed. wg counts the
// goroutines that it starts.
func (s *Server) serveTCP(l net.Listener, wg *sync.WaitGroup) {
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of file descriptors, most likely
			s.cfg.Log.Warn("accept connection", logkey.Err, err)
			<-time.After(acceptPause)
		case !s.admit(conn):
			_ = conn.Close()
		default:
			wg.Go(func() {
				defer s.leave(conn)
				defer s.caught()
				s.serveConn(conn)
			})
		}
	}
}

// admit counts the connection if there is room for it.
func (s *Server) admit(conn net.Conn) bool {
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String()) // the net package made it
	s.mu.Lock()
	defer s.mu.Unlock()
	same := 0
	for _, h := range s.conns {
		if h == host {
			same++
		}
	}
	if s.done || len(s.conns) >= maxConns || same >= maxConnsPerHost {
		return false
	}
	s.conns[conn] = host
	return true
}

func (s *Server) leave(conn net.Conn) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	_ = conn.Close()
}

// deadline is until when a connection is waited for.
func (s *Server) deadline() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.end.IsZero() {
		return s.end
	}
	return time.Now().Add(tcpIdle)
}

// serveConn answers the queries of one connection in the order in which they
// come, until it is idle for too long, ends, or sends what gets no answer.
func (s *Server) serveConn(conn net.Conn) {
	var q query
	var head [2]byte
	var in, out []byte
	for {
		if conn.SetDeadline(s.deadline()) != nil {
			return
		}
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(head[:]))
		if cap(in) < n {
			in = make([]byte, n)
		}
		if _, err := io.ReadFull(conn, in[:n]); err != nil {
			return
		}
		// The length goes in front, so that one write carries the whole message.
		msg := s.index.Load().answer(&q, in[:n], out, false)
		if msg == nil {
			return
		}
		out = msg[:0]
		framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...) //nolint:gosec // at most 65,535
		if _, err := conn.Write(framed); err != nil {
			return
		}
	}
}
