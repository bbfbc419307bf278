// SPDX-License-Identifier: AGPL-3.0-or-later

package limit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestQueue_firstWhoMayComesIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(3, 2)
		enter := func(network string) (in chan error) {
			in = make(chan error, 1)
			go func() { in <- q.Enter(t.Context(), time.Hour, network) }()
			synctest.Wait()
			return in
		}
		isIn := func(in chan error) bool {
			synctest.Wait()
			return len(in) == 1
		}
		enter("a")
		enter("a")
		third, other, late := enter("a"), enter("b"), enter("c")
		if isIn(third) || !isIn(other) || isIn(late) {
			t.Error("a third of one network is in, or another's first is not, or a fourth is")
		}
		q.Leave("b")
		if isIn(third) || !isIn(late) {
			t.Error("the place is for the first whose network has less than its share")
		}
		q.Leave("a")
		if !isIn(third) {
			t.Error("it waits still")
		}
	})
}

func TestQueue_networksWithFewInsideAreNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(3, 3)
		in := make(chan string, 9)
		for _, network := range []string{"a", "a", "a", "a", "a", "b"} {
			go func() {
				if q.Enter(t.Context(), time.Hour, network) == nil {
					in <- network
				}
			}()
			synctest.Wait()
		}
		for range 3 {
			<-in
		}
		q.Leave("a")
		if next := <-in; next != "b" {
			t.Errorf("%s is next, of which there are enough", next)
		}
		q.Leave("a")
		q.Leave("a")
		for range 2 {
			if next := <-in; next != "a" {
				t.Error(next)
			}
		}
	})
}

func TestQueue_nobodyWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(1, 1)
		if err := q.Enter(t.Context(), time.Hour, "a"); err != nil {
			t.Fatal(err)
		}
		if err := q.Enter(t.Context(), time.Second, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := q.Enter(ctx, time.Hour, "b"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		q.Leave("a")
		if err := q.Enter(t.Context(), time.Hour, "c"); err != nil {
			t.Error(err)
		}
		if q.waiting.Len() != 0 {
			t.Error("one who left waits still")
		}
	})
}
