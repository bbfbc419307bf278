// SPDX-License-Identifier: AGPL-3.0-or-later

package lean

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestRest_beginsOnceAfterEachBurst(t *testing.T) {
	const mib = 1 << 20
	var r rest
	for i, look := range []struct {
		allocated float64 // MiB since the process began
		want      bool
	}{
		{20, false},   // it has just started
		{21, true},    // and is at rest now
		{21.5, false}, // nothing to give back
		{22.5, true},  // little by little there is
		{90, false},
		{150, false}, // busy
		{151, true},
		{151, false},
	} {
		if got := r.begins(uint64(look.allocated * mib)); got != look.want {
			t.Errorf("look %d, at %g MiB: %t", i+1, look.allocated, got)
		}
	}
}

// TestRun_givesBackWhatABurstTook measures what Go has given back to the system.
func TestRun_givesBackWhatABurstTook(t *testing.T) {
	released := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapReleased
	}
	burst := make([][]byte, 64)
	for i := range burst {
		burst[i] = make([]byte, 1<<20)
		burst[i][0] = 1
	}
	runtime.KeepAlive(burst)
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Run(ctx) }()
		before := released()
		after := time.NewTimer(3 * lookEvery)
		<-after.C
		synctest.Wait()
		if got := released(); got < before+32<<20 {
			t.Errorf("%d MiB were given back", (int64(got)-int64(before))>>20)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
