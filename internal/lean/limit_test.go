// SPDX-License-Identifier: AGPL-3.0-or-later

package lean

import (
	"runtime/debug"
	"testing"
)

func TestLimit_unlessSomebodyKnowsBetter(t *testing.T) {
	before := debug.SetMemoryLimit(1 << 40)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	t.Setenv("GOMEMLIMIT", "1TiB")
	Limit(1 << 30)
	if got := debug.SetMemoryLimit(-1); got != 1<<40 {
		t.Errorf("with GOMEMLIMIT it is %d", got)
	}
	t.Setenv("GOMEMLIMIT", "")
	Limit(1 << 30)
	if got := debug.SetMemoryLimit(-1); got != 1<<30 {
		t.Errorf("it is %d", got)
	}
}
