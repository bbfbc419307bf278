// SPDX-License-Identifier: AGPL-3.0-or-later

package lean

import (
	"runtime/debug"
	"testing"
)

func TestSet_unlessSomebodyKnowsBetter(t *testing.T) {
	before := debug.SetGCPercent(90)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	t.Setenv("GOGC", "90")
	Set()
	if got := debug.SetGCPercent(90); got != 90 {
		t.Errorf("with GOGC=90 it is %d", got)
	}
	t.Setenv("GOGC", "")
	Set()
	if got := debug.SetGCPercent(90); got != garbage {
		t.Errorf("it is %d; want %d", got, garbage)
	}
}
