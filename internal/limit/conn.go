// SPDX-License-Identifier: AGPL-3.0-or-later

package limit

import (
	"container/list"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

const (
	// freeHead is how many bytes a connection may send before its request has
	// begun without being charged for them: a TLS handshake and an ordinary head.
	freeHead = 3 << 10
	// longHead is what is charged for the bytes before, when there are more.
	longHead = 48 << 10
	// byteCost is how many bytes of memory one of an unfinished head is reckoned to
	// become: short lines are kept as strings in a map.
	byteCost = 16
)

// Conn is a connection of Connections.
type Conn struct {
	net.Conn
	all     *Connections
	network string
	state   *tls.ConnectionState // after the handshake, if TLS ends in Secure

	place, idleAt *list.Element // in all.open and all.idle; under all.mu
	since         time.Time     // when it became idle; under all.mu
	left          bool          // its bytes were given back; under all.mu
	heads         int           // bytes charged for an unfinished head; under all.mu
	shared        int           // bytes charged for requests that share the connection; under all.mu
	joined        []*Budget     // one of each is held; under all.mu

	between atomic.Bool  // no request is under way
	head    atomic.Int64 // bytes read since
}

func newConn(c net.Conn, all *Connections) *Conn {
	return &Conn{Conn: c, all: all, network: Network(c.RemoteAddr().String())}
}

// Network is the one that the connection came from, as Network returns it.
func (c *Conn) Network() string { return c.network }

// TLS is the state of TLS that ended in Secure, or nil.
func (c *Conn) TLS() *tls.ConnectionState { return c.state }

// Take reserves n bytes of memory for a request, at the cost of idle
// connections where it must be, and reports whether they could be had. They are
// given back with Give, once.
func (c *Conn) Take(n int) bool {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	return c.all.room(c, n) == granted
}

// Give returns n bytes that were taken.
func (c *Conn) Give(n int) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.give(n)
}

// give returns n bytes; all.mu is held.
func (c *Conn) give(n int) {
	c.all.budget.Give(c.network, n)
	if c.all.waiting > 0 {
		c.all.changed.Broadcast()
	}
}

// hold is Take for what ends with the connection, if release does not give it
// back before.
func (c *Conn) hold(n int) bool {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.left || c.all.room(c, n) != granted {
		return false
	}
	c.shared += n
	return true
}

// release gives n bytes back that hold took.
func (c *Conn) release(n int) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if !c.left {
		c.shared -= n
		c.give(n)
	}
}

// Join takes one unit of b for as long as the connection is open, and reports
// whether it could be had.
func (c *Conn) Join(b *Budget) bool {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.left || !b.Take(c.network, 1) {
		return false
	}
	c.joined = append(c.joined, b)
	return true
}

// becomesIdle says that no request is under way; all.mu is held.
func (c *Conn) becomesIdle() {
	if c.left || c.idleAt != nil {
		return
	}
	c.idleAt, c.since = c.all.idle.PushBack(c), time.Now()
	c.head.Store(0)
	c.between.Store(true)
	c.give(0) // somebody may wait for an idle one
}

// becomesBusy says that a request is under way; all.mu is held.
func (c *Conn) becomesBusy() {
	c.between.Store(false)
	if c.idleAt != nil {
		c.all.idle.Remove(c.idleAt)
		c.idleAt = nil
	}
	if c.heads > 0 {
		c.give(c.heads)
		c.heads = 0
	}
}

// leave gives back what the connection itself holds; all.mu is held.
func (c *Conn) leave() {
	if c.left {
		return
	}
	c.becomesBusy()
	c.left = true
	c.all.open.Remove(c.place)
	for _, b := range c.joined {
		b.Give(c.network, 1)
	}
	c.give(ConnBytes + c.shared)
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.all.mu.Lock()
	c.leave()
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// errHeads ends a connection whose network has sent too much of unfinished
// heads.
var errHeads = errors.New("too many unfinished heads")

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.between.Load() && !c.chargeHead(c.head.Add(int64(n)), int64(n)) {
		_ = c.Close()
		return 0, errHeads
	}
	return n, err
}

// chargeHead takes memory for the last n bytes of an unfinished head that has
// so many now, and reports whether there was some.
func (c *Conn) chargeHead(bytes, n int64) bool {
	if bytes <= freeHead {
		return true
	}
	cost := n * byteCost
	if bytes-n <= freeHead {
		cost = longHead + (bytes-freeHead)*byteCost
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.left || !c.between.Load() {
		return !c.left
	}
	if c.all.budget.take(c.network, int(cost)) != granted {
		return false
	}
	c.heads += int(cost)
	return true
}
