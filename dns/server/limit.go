// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"hash/maphash"
	"net/netip"
	"time"
)

// pass says what happens to a query over UDP.
type pass int

const (
	passed  pass = iota
	slipped      // answered with "ask again over TCP"
	dropped
)

// limiter counts queries by source network and second. Networks that hash alike
// share a counter; the seed is random, so that nobody can choose to. It belongs
// to one goroutine.
type limiter struct {
	seed  maphash.Seed
	limit uint32
	slots [4096]struct{ second, count uint32 }
}

// newLimiter returns a limiter for one of the sockets that share the rate.
func newLimiter(rate int) *limiter {
	per := max(1, rate/sockets())
	return &limiter{seed: maphash.MakeSeed(), limit: uint32(min(per, 1<<30))}
}

// take counts one query.
func (l *limiter) take(from netip.Addr, now time.Time) pass {
	if from.IsLoopback() {
		return passed
	}
	bits := 56
	if from.Is4() {
		bits = 24
	}
	network, _ := from.Prefix(bits) // the lengths are right for each family
	slot := &l.slots[maphash.Comparable(l.seed, network)%uint64(len(l.slots))]
	if second := uint32(now.Unix()); slot.second != second { //nolint:gosec // only compared
		slot.second, slot.count = second, 0
	}
	slot.count++
	switch {
	case slot.count <= l.limit:
		return passed
	case slot.count%2 == 0:
		return slipped
	default:
		return dropped
	}
}
