// SPDX-License-Identifier: AGPL-3.0-or-later

// Package lean makes a process hold little memory: a box has few, and apps need
// it. It knows nothing of what the process does. Its test asks the runtime what
// is set; "make bench" measures what that gives and what it costs.
package lean

import (
	"os"
	"runtime/debug"
)

// garbage is how much may gather, in percent of what is in use. Go's own 100
// costs a box at rest 2 MiB more, and the front door is hardly faster with it.
const garbage = 75

// Set changes the collector of this process, unless somebody who set GOGC knows
// better. Call it once, at the start.
func Set() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}

// Limit makes the collector work harder when the process has more than so many
// bytes from the system, unless somebody who set GOMEMLIMIT knows better. What
// is in use is not bounded by it.
func Limit(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(bytes)
	}
}
