// SPDX-License-Identifier: AGPL-3.0-or-later

// Package limit bounds what strangers hold of a process at a time: connections,
// memory, turns at a service; in all, and from each network, so that nobody
// holds everything. The front door, the console and the desk use it. It knows
// nothing of what is served. Its tests connect from several loopback addresses.
package limit

import (
	"net"
	"net/netip"
	"sync"
)

// Network is what a remote address, with or without its port, counts as: one
// IPv4 address, or the /64 that one line has. What is no address counts as
// itself.
func Network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// Budget is an amount of something that can be held, in all and from each
// network. It is safe for concurrent use.
type Budget struct {
	all, each int

	mu   sync.Mutex
	held int
	from map[string]int
}

// NewBudget returns a budget of all units, of which each network can hold at
// most each.
func NewBudget(all, each int) *Budget {
	return &Budget{all: all, each: each, from: map[string]int{}}
}

// Take reserves n units for a network and reports whether they could be had.
// What was taken is given back with Give, once.
func (b *Budget) Take(network string, n int) bool { return b.take(network, n) == granted }

// verdict is the answer to a wish for units.
type verdict int

const (
	granted     verdict = iota
	networkFull         // the network holds its share
	full                // everything is held
)

func (b *Budget) take(network string, n int) verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.from[network]+n > b.each:
		return networkFull
	case b.held+n > b.all:
		return full
	}
	b.held += n
	b.from[network] += n
	return granted
}

// Give returns n units that were taken for the network.
func (b *Budget) Give(network string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
	if b.from[network] -= n; b.from[network] == 0 {
		delete(b.from, network)
	}
}

// Held returns how many units are held in all.
func (b *Budget) Held() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// holds is how much the network holds.
func (b *Budget) holds(network string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.from[network]
}

// largest returns the network that holds most, if that is more than the given
// one would hold with n units more.
func (b *Budget) largest(network string, n int) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	largest, most := "", b.from[network]+n
	for other, held := range b.from {
		if held > most {
			largest, most = other, held
		}
	}
	return largest, largest != ""
}
