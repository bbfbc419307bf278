// SPDX-License-Identifier: AGPL-3.0-or-later

package limit

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// ConnBytes is what one connection is reckoned to take of memory: TLS, buffers
// and goroutines, and what the first bytes of a request become.
const ConnBytes = 64 << 10

// stale is how long a connection is idle when anybody may have its place; who
// is idle for less may only have come.
const stale = 10 * time.Second

// Connections bounds the connections of one or more listeners, and the memory
// that their requests take. When there is no room, a newcomer gets the place of
// the connection that has been idle longest, of those whose network holds as much
// as its own, or that have been idle for some time; where there is none, that of
// the oldest connection of the network that holds most. A newcomer whose own
// network holds its share, or as much as any other, is closed; one whose network
// holds nothing waits when everything is held by networks with one connection.
//
// Its methods State and Context belong into the http.Server of the listeners.
type Connections struct {
	budget *Budget // in bytes

	mu      sync.Mutex
	changed *sync.Cond // something was given back, became idle, or a listener was closed
	waiting int        // in changed.Wait
	open    list.List  // of *Conn, oldest first
	idle    list.List  // of *Conn, longest idle first
}

// NewConnections returns bounds for so many connections in all, and so many
// from each network, when they do nothing else that takes memory.
func NewConnections(all, each int) *Connections {
	c := &Connections{budget: NewBudget(all*ConnBytes, each*ConnBytes)}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// Listen returns l with these bounds.
func (c *Connections) Listen(l net.Listener) net.Listener { return &listener{Listener: l, all: c} }

type listener struct {
	net.Listener
	all    *Connections
	closed bool // under all.mu
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		conn, err := l.admit(newConn(raw, l.all))
		if err != nil {
			_ = raw.Close()
			return nil, err
		}
		if conn != nil {
			return conn, nil
		}
		_ = raw.Close() // nothing was said yet
	}
}

// admit makes room for c, or waits for it. It returns nil for a network that
// holds its share, and an error when the listener is closed meanwhile.
func (l *listener) admit(c *Conn) (*Conn, error) {
	all := l.all
	all.mu.Lock()
	defer all.mu.Unlock()
	for !l.closed {
		switch v := all.room(c, ConnBytes); {
		case v == granted:
			c.place = all.open.PushBack(c)
			c.becomesIdle()
			return c, nil
		case v == networkFull || all.budget.holds(c.network) > 0:
			return nil, nil // to wait would keep those behind it waiting
		default:
			all.waiting++
			all.changed.Wait()
			all.waiting--
		}
	}
	return nil, net.ErrClosed
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.all.mu.Lock()
	l.closed = true
	l.all.changed.Broadcast()
	l.all.mu.Unlock()
	return l.Listener.Close()
}

// room takes n bytes for a connection, at the cost of others where it must be;
// c.mu is held.
func (c *Connections) room(of *Conn, n int) verdict {
	for {
		v := c.budget.take(of.network, n)
		var victim *Conn
		switch v {
		case granted:
			return v
		case networkFull:
			victim = first(&c.idle, func(other *Conn) bool { return other.network == of.network && other != of })
		case full:
			if victim = c.longestIdle(of, n); victim == nil {
				if largest, ok := c.budget.largest(of.network, n); ok {
					victim = first(&c.open, func(other *Conn) bool { return other.network == largest })
				}
			}
		}
		if victim == nil {
			return v
		}
		victim.leave()
		_ = victim.Conn.Close()
	}
}

// longestIdle returns the idle connection that has to leave for n bytes of
// another one, or nil; c.mu is held.
func (c *Connections) longestIdle(of *Conn, n int) *Conn {
	holds, now := c.budget.holds(of.network)+n, time.Now()
	return first(&c.idle, func(other *Conn) bool {
		return other != of &&
			(other.network == of.network || now.Sub(other.since) > stale || c.budget.holds(other.network) >= holds)
	})
}

func first(l *list.List, ok func(*Conn) bool) *Conn {
	for e := l.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*Conn); ok(c) {
			return c
		}
	}
	return nil
}

// State is for http.Server.ConnState: it learns which connections are idle.
func (c *Connections) State(conn net.Conn, state http.ConnState) {
	own := Of(conn)
	if own == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateIdle:
		own.becomesIdle()
	case http.StateActive, http.StateHijacked:
		own.becomesBusy()
	case http.StateNew, http.StateClosed: // Accept and Close know
	}
}

type connKey struct{}

// Context is for http.Server.ConnContext: From finds the connection again.
func (c *Connections) Context(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, Of(conn))
}

// From returns the connection of a request by its context, or nil.
func From(ctx context.Context) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	return c
}

// Of returns the connection of Connections below conn, such as one of TLS, or
// nil.
func Of(conn net.Conn) *Conn {
	for {
		switch c := conn.(type) {
		case *Conn:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

// Held is how many bytes are taken at the moment.
func (c *Connections) Held() int { return c.budget.Held() }
