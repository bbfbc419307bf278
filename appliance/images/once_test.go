// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"errors"
	"sync"
	"testing"

	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/problem"
)

func TestOnce_whoStillWaitsGoesOnWhenTheFirstLeaves(t *testing.T) {
	im := fakeImages(t, enginetest.NewFake())
	first, leave := context.WithCancel(t.Context())
	started, waiting := make(chan struct{}), make(chan struct{})
	go func() {
		_, _ = once(first, im, "k", func() (string, error) {
			close(started)
			<-waiting
			leave()
			return "", first.Err()
		})
	}()
	<-started
	close(waiting)
	got, err := once(t.Context(), im, "k", func() (string, error) { return "done", nil })
	if got != "done" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	timeout := &problem.Problem{Code: "registry-unreachable", Err: context.DeadlineExceeded}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := once(t.Context(), im, "silent", func() (string, error) { return "", timeout }); !errors.Is(err, timeout) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
