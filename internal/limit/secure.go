// SPDX-License-Identifier: AGPL-3.0-or-later

package limit

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// What requests that share a connection (HTTP/2) take of memory.
const (
	// StreamBytes is what one is reckoned to take: a head of HeadBytes, a goroutine
	// and buffers. It is taken from the first frame of the request to the last one
	// of the answer, because until then net/http holds all of it, even of requests
	// that it refuses by itself.
	StreamBytes = HeadBytes + 12<<10
	// HeadBytes is the largest head that a server with these bounds may allow.
	HeadBytes = 16 << 10
	// maxAnswers is how many answers the server itself may owe: to pings, to
	// settings, to frames of streams that are over.
	maxAnswers = 256
	// resetFor is how long a request counts that the visitor took back.
	resetFor = time.Second
)

// Secure ends TLS on l, a listener of Connections, and counts what the requests
// take that share a connection. The http.Server takes its connections as if
// they were plain, so Protocols makes it speak HTTP/2 on them; handshakeFor
// bounds the TLS handshake.
func Secure(l net.Listener, cfg *tls.Config, handshakeFor time.Duration) net.Listener {
	return &secureListener{l, cfg, handshakeFor}
}

// Protocols are those of a server with a listener of Secure.
func Protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

type secureListener struct {
	net.Listener
	cfg          *tls.Config
	handshakeFor time.Duration
}

// Accept implements net.Listener.
func (l *secureListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(l.handshakeFor))
	s := tls.Server(c, l.cfg)
	return &secureConn{Conn: s, tls: s, own: Of(c), streams: map[uint32]bool{}}, nil
}

// secureConn is a connection on which TLS ended. It reads the frames of HTTP/2
// along. It has no method ConnectionState, because net/http would not speak
// HTTP/2 then; Conn.TLS has it.
type secureConn struct {
	net.Conn
	tls *tls.Conn // the same
	own *Conn

	mu      sync.Mutex
	start   int  // how much of what came is the preface of HTTP/2
	plain   bool // it is not HTTP/2
	in, out frameReader
	last    uint32          // stream of the visitor
	streams map[uint32]bool // that are open
	bodies  int             // bytes of bodies that the server has and did not pass on
	answers int             // that the server owes
}

// NetConn returns the connection below TLS.
func (c *secureConn) NetConn() net.Conn { return c.own }

// CloseWrite ends what is written.
func (c *secureConn) CloseWrite() error { return c.tls.CloseWrite() }

// Read implements net.Conn. The first one shakes hands.
func (c *secureConn) Read(b []byte) (int, error) {
	if c.own.state == nil {
		if err := c.tls.Handshake(); err != nil { //nolint:noctx // the deadline bounds it
			return 0, err
		}
		state := c.tls.ConnectionState()
		c.own.state = &state
		_ = c.SetWriteDeadline(time.Time{}) // that for reading holds until net/http sets one
	}
	n, err := c.Conn.Read(b)
	if n > 0 && !c.plain {
		if err := c.came(b[:n]); err != nil {
			_ = c.Close()
			return 0, err
		}
	}
	return n, err
}

// Write implements net.Conn.
func (c *secureConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if n > 0 && !c.plain {
		c.mu.Lock()
		defer c.mu.Unlock()
		_ = c.out.feed(b[:n], c.sent) // sent never fails
	}
	return n, err
}

// came looks at what the visitor sent.
func (c *secureConn) came(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.start < len(preface) {
		if b[0] != preface[c.start] {
			c.plain = true
			if c.own.state.NegotiatedProtocol == "h2" {
				return errPreface
			}
			return nil
		}
		c.start++
		if b = b[1:]; len(b) == 0 {
			return nil
		}
	}
	return c.in.feed(b, c.received)
}

// Why connections end that ask for too much, or something else.
var (
	errPreface = errors.New("HTTP/2 was agreed on, and is not spoken")
	errStreams = errors.New("too many requests on one network's connections")
	errBodies  = errors.New("too much of bodies on one network's connections")
	errAnswers = errors.New("too many frames that want an answer")
)

// received is told of each frame of the visitor; c.mu is held.
func (c *secureConn) received(f frame) error {
	switch f.kind {
	case frameHeaders:
		if f.stream <= c.last {
			return nil // trailers
		}
		c.last = f.stream
		if !c.own.hold(StreamBytes) {
			return errStreams
		}
		c.streams[f.stream] = true
	case frameData:
		if !c.own.hold(f.length) {
			return errBodies
		}
		c.bodies += f.length
		if !c.streams[f.stream] {
			return c.owes()
		}
	case frameRSTStream:
		if c.streams[f.stream] {
			delete(c.streams, f.stream)
			time.AfterFunc(resetFor, func() { c.own.release(StreamBytes) })
		}
	case framePing, frameSettings:
		if f.flags&flagAck == 0 {
			return c.owes()
		}
	}
	return nil
}

func (c *secureConn) owes() error {
	if c.answers++; c.answers > maxAnswers {
		return errAnswers
	}
	return nil
}

// sent is told of each frame of the server; c.mu is held.
func (c *secureConn) sent(f frame) error {
	switch f.kind {
	case frameHeaders, frameData:
		if f.flags&flagEndStream != 0 {
			c.over(f.stream)
		}
	case frameRSTStream:
		c.answers = max(0, c.answers-1)
		c.over(f.stream)
	case framePing:
		c.answers = max(0, c.answers-1)
	case frameSettings:
		c.answers = 0 // one stands for all
	case frameWindowUpdate:
		if f.stream == 0 {
			n := min(int(f.increment), c.bodies)
			c.bodies -= n
			c.own.release(n)
		}
	}
	return nil
}

// over gives back what a stream took; c.mu is held.
func (c *secureConn) over(stream uint32) {
	if c.streams[stream] {
		delete(c.streams, stream)
		c.own.release(StreamBytes)
	}
}
