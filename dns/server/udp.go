// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"errors"
	"net"
	"os"
	"runtime/debug"
	"time"

	"coopkit/internal/logkey"
)

const (
	maxSockets = 4 // for one address; each costs about 120 kB
	readPause  = 100 * time.Millisecond
)

// serveUDP answers the queries of one socket until it is closed.
func (s *Server) serveUDP(u *udpSocket) {
	q, lim := new(query), newLimiter(s.cfg.UDPRate)
	for {
		n, err := u.read()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			s.cfg.Log.Warn("read queries", logkey.Err, err)
			<-time.After(readPause)
			continue
		}
		s.answerBatch(u, q, lim, n)
		u.flush()
	}
}

// answerBatch answers the n queries that u has read.
func (s *Server) answerBatch(u *udpSocket, q *query, lim *limiter, n int) {
	defer s.caught()
	x, now := s.index.Load(), time.Now()
	for i := range n {
		msg, from := u.query(i)
		if from.Port() == 0 {
			continue
		}
		var buf []byte
		switch lim.take(from.Addr(), now) {
		case passed:
			buf = x.answer(q, msg, u.room(), true)
		case slipped:
			buf = truncated(q, msg, u.room())
		case dropped:
		}
		if buf != nil {
			u.put(i, buf)
		}
	}
}

// caught ends a panic: of a mistake that one query brings up, nobody else should
// know but that a few answers are missing. Defer it.
func (s *Server) caught() {
	if v := recover(); v != nil {
		s.cfg.Log.Error("answering failed", logkey.Err, v, "stack", string(debug.Stack()))
	}
}

// truncated answers "ask again over TCP" without looking anything up.
func truncated(q *query, msg, buf []byte) []byte {
	if q.parse(msg) != proper {
		return nil
	}
	var r reply
	r.start(q, buf, udpSize)
	r.tc = true
	return r.finish(q)
}
