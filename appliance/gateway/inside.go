// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"coopkit/internal/logkey"

	"golang.org/x/sys/unix"
)

// inside is the front door towards the networks of the apps: listeners at the
// host's own addresses there, beside those for visitors. An app reaches its own
// address through them, whatever router or DNS stands outside.
type inside struct {
	mu     sync.Mutex
	wanted []netip.Addr
	open   map[netip.AddrPort]net.Listener
	failed map[netip.AddrPort]bool // said so already
	serve  []served                // nil before Run and after it
	wg     sync.WaitGroup
}

// served is a server of the front door and the port that it has inside.
type served struct {
	on   func(net.Listener) error // returns when the listener is closed
	main net.Listener             // for visitors
	port int
}

// SetInside says at which addresses the front door listens besides its own:
// those of the host in the networks of apps. They need not be there yet. Where
// it listens on every address already nothing is opened. An address that cannot
// be had is logged, and tried again with the next call.
func (g *Gateway) SetInside(addrs []netip.Addr) {
	in := &g.inside
	in.mu.Lock()
	defer in.mu.Unlock()
	in.wanted = slices.Clone(addrs)
	g.renewInside()
}

// startInside begins to listen inside, for as long as the servers serve.
func (g *Gateway) startInside(serve []served) {
	in := &g.inside
	in.mu.Lock()
	defer in.mu.Unlock()
	in.serve = serve
	g.renewInside()
}

// stopInside closes what is open inside and waits for it.
func (g *Gateway) stopInside() {
	in := &g.inside
	in.mu.Lock()
	in.serve = nil
	g.renewInside()
	in.mu.Unlock()
	in.wg.Wait()
}

// renewInside opens and closes listeners as wanted. The caller holds the lock.
func (g *Gateway) renewInside() {
	in := &g.inside
	want := map[netip.AddrPort]served{}
	for _, s := range in.serve {
		for _, addr := range in.wanted {
			if at := netip.AddrPortFrom(addr, uint16(s.port)); !covers(s.main.Addr(), at) { //nolint:gosec // a port
				want[at] = s
			}
		}
	}
	for at, l := range in.open {
		if _, ok := want[at]; !ok {
			_ = l.Close()
			delete(in.open, at)
		}
	}
	for at, s := range want {
		if in.open[at] == nil {
			g.openInside(at, s)
		}
	}
}

func (g *Gateway) openInside(at netip.AddrPort, s served) {
	in := &g.inside
	l, err := (&net.ListenConfig{Control: beforeItExists}).Listen(context.Background(), "tcp4", at.String())
	if err != nil {
		if !in.failed[at] {
			g.log.Warn("an app cannot reach its own address", logkey.Addr, at.String(), logkey.Err, err)
		}
		in.failed[at] = true
		return
	}
	delete(in.failed, at)
	in.open[at] = l
	in.wg.Go(func() {
		_ = s.on(l) // it ends when the listener is closed, or the server
	})
}

// beforeItExists lets a socket have an address that the host gets only when the
// network of the app is made.
func beforeItExists(_, _ string, c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_FREEBIND, 1) })
	if err != nil {
		return err
	}
	return set
}

// covers reports whether who listens at have is reached at want too.
func covers(have net.Addr, want netip.AddrPort) bool {
	a, ok := have.(*net.TCPAddr)
	return ok && a.Port == int(want.Port()) && (a.IP.IsUnspecified() || a.AddrPort().Addr().Unmap() == want.Addr())
}
