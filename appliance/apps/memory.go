// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"slices"
	"sync"
	"time"

	"coopkit/appliance"
)

// OutOfMemory says that the system ended a program of an install for want of
// memory.
type OutOfMemory struct {
	Install appliance.InstallName
	At      time.Time
}

// ranOutKept is how many of them are remembered.
const ranOutKept = 100

// ranOut remembers the newest of them since the agent runs.
type ranOut struct {
	mu  sync.Mutex
	all []OutOfMemory
}

func (r *ranOut) add(install appliance.InstallName, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, OutOfMemory{install, at})
	r.all = r.all[max(len(r.all)-ranOutKept, 0):]
}

// OutOfMemory returns what the engine has told of since the agent runs, oldest
// first.
func (a *Apps) OutOfMemory() []OutOfMemory {
	a.ranOut.mu.Lock()
	defer a.ranOut.mu.Unlock()
	return slices.Clone(a.ranOut.all)
}
