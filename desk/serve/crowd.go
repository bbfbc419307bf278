// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"net"
	"net/http"
	"sync"

	"golang.org/x/net/netutil"

	"coopkit/desk/server"
)

// How many connections a desk has at a time: somewhat more than 2,000 boxes that
// all report at once. Each takes 40 KiB, and 200 KiB while the largest message
// comes slowly. Of them, and of the messages that share a connection, one address
// has an eighth at most.
const (
	mostConnections = 2560
	mostFromOne     = mostConnections / 8
	mostBodies      = 512
	mostBodiesOfOne = mostBodies / 8
)

// mostStreams is how many requests share a connection: the live pages that a
// browser may have open, and what it asks for beside them.
const mostStreams = 40

// crowd counts who is there, by address.
type crowd struct {
	all, each int

	mu   sync.Mutex
	n    int
	from map[string]int
}

func newCrowd(all, each int) *crowd { return &crowd{all: all, each: each, from: map[string]int{}} }

// enter counts one more from an address and returns how it leaves, or nil if
// there is no place.
func (c *crowd) enter(address string) (leave func()) {
	from := server.Network(address)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n >= c.all || c.from[from] >= c.each {
		return nil
	}
	c.n++
	c.from[from]++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.n--
		if c.from[from]--; c.from[from] == 0 {
			delete(c.from, from)
		}
	})
}

// bounded takes so many connections at a time, and closes those of an address
// that has enough of them. The others wait until one ends.
func bounded(l net.Listener, all, each int) net.Listener {
	return netutil.LimitListener(&fair{l, newCrowd(all, each)}, all)
}

type fair struct {
	net.Listener
	crowd *crowd
}

// Accept implements net.Listener.
func (f *fair) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if leave := f.crowd.enter(c.RemoteAddr().String()); leave != nil {
			return &counted{c, leave}, nil
		}
		_ = c.Close() // nothing was said yet
	}
}

type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}

// fewBodies bounds how many bodies are read at a time from connections that
// carry many requests; of the others, each has one.
func fewBodies(h http.Handler) http.Handler {
	crowd := newCrowd(mostBodies, mostBodiesOfOne)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor > 1 && r.Body != http.NoBody {
			leave := crowd.enter(r.RemoteAddr)
			if leave == nil {
				server.Busy(w)
				return
			}
			defer leave()
		}
		h.ServeHTTP(w, r)
	})
}
