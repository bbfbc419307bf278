// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import "sync/atomic"

// counts are the requests that were answered, by hundreds of the status; 0 is for
// those that were broken off.
type counts [6]atomic.Uint64

func (c *counts) add(status int) { c[min(max(status/100, 0), len(c)-1)].Add(1) }

// Requests returns how many requests the front door answered since it was made, by
// hundreds of the status: [2] are those of 200 to 299. [0] are those without an
// answer.
func (g *Gateway) Requests() (n [6]uint64) {
	for i := range g.counts {
		n[i] = g.counts[i].Load()
	}
	return n
}
