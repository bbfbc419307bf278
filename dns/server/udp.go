// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"coopkit/internal/logkey"
)

const (
	batch      = 32   // messages taken from or given to the kernel at once
	queryBytes = 1500 // longer queries over UDP are not read in full, so not understood
	oobBytes   = 64   // for the address at which a query came in
	maxSockets = 4    // for one address; each costs about 120 kB
	readPause  = 100 * time.Millisecond
)

// batchConn is what package ipv4 and ipv6 have in common; their messages are
// one type.
type batchConn interface {
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
}

// udpSocket is one socket, served by one goroutine.
type udpSocket struct {
	conn  *net.UDPConn
	batch batchConn
	reply func(oob []byte) []byte // where the answer must come from; nil when there is no choice
}

// newUDPSocket asks the kernel to tell at which address each query came in, when
// conn listens at all of them: the answer must come from the same.
func newUDPSocket(conn *net.UDPConn, family string) (*udpSocket, error) {
	u := &udpSocket{conn: conn}
	addr := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	var err error
	if family == "4" {
		p := ipv4.NewPacketConn(conn)
		u.batch = p
		if addr.IsUnspecified() {
			u.reply = replyFrom4
			err = p.SetControlMessage(ipv4.FlagDst, true)
		}
	} else {
		p := ipv6.NewPacketConn(conn)
		u.batch = p
		if addr.IsUnspecified() {
			u.reply = replyFrom6
			err = p.SetControlMessage(ipv6.FlagDst, true)
		}
	}
	if err != nil {
		return u, fmt.Errorf("ask for destination addresses: %w", err)
	}
	return u, nil
}

func replyFrom4(oob []byte) []byte {
	var in ipv4.ControlMessage
	if in.Parse(oob) != nil || in.Dst == nil {
		return nil
	}
	return (&ipv4.ControlMessage{Src: in.Dst}).Marshal()
}

func replyFrom6(oob []byte) []byte {
	var in ipv6.ControlMessage
	if in.Parse(oob) != nil || in.Dst == nil {
		return nil
	}
	out := ipv6.ControlMessage{Src: in.Dst}
	if in.Dst.IsLinkLocalUnicast() {
		out.IfIndex = in.IfIndex
	}
	return out.Marshal()
}

// serveUDP answers the queries of one socket until it is closed.
func (s *Server) serveUDP(u *udpSocket) {
	in, out := make([]ipv4.Message, batch), make([]ipv4.Message, batch)
	for i := range in {
		in[i].Buffers = [][]byte{make([]byte, queryBytes)}
		if u.reply != nil {
			in[i].OOB = make([]byte, oobBytes)
		}
		out[i].Buffers = [][]byte{make([]byte, 0, udpSize)}
	}
	q, lim := new(query), newLimiter(s.cfg.UDPRate)
	for {
		n, err := u.batch.ReadBatch(in, 0)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			s.cfg.Log.Warn("read queries", logkey.Err, err)
			<-time.After(readPause)
			continue
		}
		answers := s.answerBatch(u, q, lim, in[:n], out)
		for sent := 0; sent < answers; {
			k, err := u.batch.WriteBatch(out[sent:answers], 0)
			if err != nil {
				k = 1 // one asker can not be reached; the others can
			}
			sent += k
		}
	}
}

// answerBatch answers the messages in in, and returns how many answers it put
// into out.
func (s *Server) answerBatch(u *udpSocket, q *query, lim *limiter, in, out []ipv4.Message) int {
	x, now, answers := s.index.Load(), time.Now(), 0
	for i := range in {
		m := &in[i]
		from, ok := m.Addr.(*net.UDPAddr)
		if !ok || from.Port == 0 {
			continue
		}
		pass := lim.take(source(from), now)
		if pass == dropped {
			continue
		}
		o := &out[answers]
		buf := o.Buffers[0][:0]
		if pass == slipped {
			buf = truncated(q, m.Buffers[0][:m.N], buf)
		} else {
			buf = x.answer(q, m.Buffers[0][:m.N], buf, true)
		}
		if buf == nil {
			continue
		}
		o.Buffers[0], o.Addr, o.OOB = buf, m.Addr, nil
		if u.reply != nil {
			o.OOB = u.reply(m.OOB[:m.NN])
		}
		answers++
	}
	return answers
}

func source(a *net.UDPAddr) netip.Addr {
	ip, _ := netip.AddrFromSlice(a.IP)
	return ip.Unmap()
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
