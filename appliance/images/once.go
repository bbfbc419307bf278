// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"coopkit/internal/problem"

	"golang.org/x/sys/unix"
)

// once does work for all callers that want the same thing now. The first
// caller's context rules the work; when that caller leaves, another one that
// still waits does it again.
func once[T any](ctx context.Context, im *Images, key string, work func() (T, error)) (T, error) {
	for {
		v, err, shared := im.flight.Do(key, func() (any, error) { return work() })
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
