// SPDX-License-Identifier: AGPL-3.0-or-later

package agenttest

import (
	"sync"

	"coopkit/appliance"
)

// gate is where changes wait between two steps while it is shut.
type gate struct {
	mu   sync.Mutex
	shut chan struct{} // nil: it is open; closed for those who wait when they may go on
}

// pass is called between the steps of every job.
func (g *gate) pass(_ appliance.Change, _, phase string) {
	if phase != "recorded" {
		return
	}
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut != nil {
		<-shut
	}
}

func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == nil {
		g.shut = make(chan struct{})
	}
}

func (g *gate) held() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut != nil
}

// release lets everybody pass from now on.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}

// nudge lets pass who waits now.
func (g *gate) nudge() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = make(chan struct{})
	}
}
