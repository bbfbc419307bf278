// SPDX-License-Identifier: AGPL-3.0-or-later

package lean

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Go keeps what it has collected for the next burst; a box that is at rest for
// hours has better use for it.
const (
	lookEvery = time.Minute
	little    = 4 << 20 // bytes that a process at rest allocates between two looks, at most
	worth     = 1 << 20 // bytes that must have been allocated for giving back to be worth it
)

// Run gives memory back to the system whenever a burst of work is over, until ctx
// ends; it returns nil then. It collects garbage for that, which costs some
// milliseconds, and does nothing while the process is busy.
func Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var r rest
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if r.begins(allocated()) {
				debug.FreeOSMemory()
			}
		}
	}
}

// rest is what was allocated since the process began, in bytes.
type rest struct {
	last uint64 // at the last look
	gave uint64 // when memory was given back
}

// begins reports whether the process is at rest after it allocated enough that
// there is something to give back.
func (r *rest) begins(now uint64) bool {
	quiet := now-r.last < little
	r.last = now
	if !quiet || now-r.gave < worth {
		return false
	}
	r.gave = now
	return true
}

// allocated is how many bytes were ever allocated.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
