// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"coopkit/internal/problem"

	"golang.org/x/sys/unix"
)

// once does work for all callers that want the same thing now. The first
// caller's context rules the work; when that caller leaves, another one that
// still waits does it again. Who only waits for another's work leaves at once
// when its context ends.
func once[T any](ctx context.Context, im *Images, key string, work func() (T, error)) (T, error) {
	for {
		v, err, shared := join(ctx, im, key, func() (any, error) { return work() })
		if err == nil {
			return v.(T), nil
		}
		_, said := errors.AsType[*problem.Problem](err) // an answer, whatever is behind it
		left := !said && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
		if !shared || !left || ctx.Err() != nil {
			var none T
			return none, err
		}
	}
}

// join does one round of once.
func join(ctx context.Context, im *Images, key string, work func() (any, error)) (any, error, bool) {
	var leads atomic.Bool
	result := im.flight.DoChan(key, func() (any, error) {
		leads.Store(true)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx) // it may have left already: nothing is begun for it
		}
		return work()
	})
	select {
	case r := <-result:
		return r.Val, r.Err, r.Shared
	case <-ctx.Done():
	}
	if !leads.Load() {
		return nil, context.Cause(ctx), false
	}
	r := <-result // its own work ends by itself
	return r.Val, r.Err, r.Shared
}

// turn waits until nobody else builds; done ends the turn. Builds are heavy, and a
// failed one is swept away.
func (im *Images) turn(ctx context.Context) (done func(), err error) {
	select {
	case im.builder <- struct{}{}:
		return func() { <-im.builder }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// fullBelow is how little free space means that a failure was for want of it.
const fullBelow = 64 << 20

// room returns a Problem when less than need bytes are free where images are
// made or kept.
func (im *Images) room(ctx context.Context, need uint64) error {
	places := []string{im.Dir}
	if info, err := im.Engine.Info(ctx); err == nil && info.RootDir != "" {
		places = append(places, info.RootDir)
	}
	for _, place := range places {
		free, err := im.free(place)
		if err != nil || free >= need { // a place that cannot be asked does not stop the work
			continue
		}
		return &problem.Problem{
			Code: "no-room-for-images", Kind: problem.Failed,
			What: "there is not enough room on the disk to build the program",
			Why:  fmt.Sprintf("%s has %d MiB free, and %d MiB are needed", place, free>>20, need>>20),
			Next: []string{"free some space on the disk of " + place, "coopkit doctor"},
			Args: map[string]string{"free_bytes": strconv.FormatUint(free, 10), "need_bytes": strconv.FormatUint(need, 10)},
		}
	}
	return nil
}

func freeBytes(path string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return s.Bavail * uint64(s.Bsize), nil //nolint:gosec // a block size is positive
}
