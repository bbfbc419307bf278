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

func TestOnce_whoOnlyWaitsLeavesAtOnce(t *testing.T) {
	im := fakeImages(t, enginetest.NewFake())
	started, goOn, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := once(t.Context(), im, "k", func() (string, error) {
			close(started)
			<-goOn
			return "done", nil
		})
		first <- err
	}()
	<-started
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := once(ctx, im, "k", func() (string, error) { return "", errors.New("it began work of its own") }); !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	if _, err := once(ctx, im, "other", func() (string, error) { return "", errors.New("it began after it had left") }); !errors.Is(err, context.Canceled) {
		t.Errorf("who had left got %v", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("who worked got %v", err)
	}
}

func TestTurn_whoWaitsCanLeave(t *testing.T) {
	im := fakeImages(t, enginetest.NewFake())
	done, err := im.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := im.turn(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	done()
	if done, err = im.turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	done()
}
