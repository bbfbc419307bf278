// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"

	"coopkit/desk/server"
)

// How many connections a desk has at a time: somewhat more than 2,000 boxes that
// all report at once. Each takes 40 KiB, and 200 KiB while the largest message
// comes slowly; one that many requests share takes 1.2 MiB at most. One address
// has an eighth of each.
const (
	mostConnections = 2560
	mostFromOne     = mostConnections / 8
	mostShared      = 256 // that carry many requests at a time
	mostSharedOfOne = mostShared / 8
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

// fair is a listener that closes the connections of an address that has enough
// of them, and lets few speak HTTP/2, which carries many requests at a time:
// people need it for their live pages, boxes do not speak it.
type fair struct {
	net.Listener
	crowd, shared *crowd

	mu   sync.Mutex
	open map[string][]func() // by address: what a connection gives back at its end
}

func newFair(l net.Listener, crowd, shared *crowd) *fair {
	return &fair{Listener: l, crowd: crowd, shared: shared, open: map[string][]func(){}}
}

// Accept implements net.Listener.
func (f *fair) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := c.RemoteAddr().String()
		leave := f.crowd.enter(address)
		if leave == nil {
			_ = c.Close() // nothing was said yet
			continue
		}
		f.mu.Lock()
		f.open[address] = []func(){leave}
		f.mu.Unlock()
		return &counted{c, sync.OnceFunc(func() { f.end(address) })}, nil
	}
}

func (f *fair) end(address string) {
	f.mu.Lock()
	leave := f.open[address]
	delete(f.open, address)
	f.mu.Unlock()
	for _, each := range leave {
		each()
	}
}

// share reports whether the open connection of that address may carry many
// requests at a time.
func (f *fair) share(address string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[address] == nil {
		return false
	}
	leave := f.shared.enter(address)
	if leave == nil {
		return false
	}
	f.open[address] = append(f.open[address], leave)
	return true
}

// config is cfg for the connections of f: those that may not share it speak
// HTTP/1.1, which browsers do as well.
func (f *fair) config(cfg *tls.Config) *tls.Config {
	alone, all := cfg.Clone(), cfg.Clone()
	alone.NextProtos = []string{"http/1.1"}
	all.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, "h2") && !f.share(hello.Conn.RemoteAddr().String()) {
			return alone, nil
		}
		return all, nil
	}
	return all
}

// counted is a connection of a fair listener.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn. The place is given back before the address can be
// that of another connection.
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
