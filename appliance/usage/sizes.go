// SPDX-License-Identifier: AGPL-3.0-or-later

package usage

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/logkey"
)

// Looking at every file of an app is work, so it is done seldom, for one app at
// a time, and never of all boxes in the same minute.
const (
	sizeEvery  = time.Hour
	sizeAgain  = 5 * time.Minute  // after an error
	sizeRest   = 2 * time.Minute  // after the start, when others have work
	sizeWithin = 30 * time.Minute // for one app
)

// startSizes measures the data of those apps whose turn it is, unless that goes
// on already.
func (u *Usage) startSizes(ctx context.Context, running *sync.WaitGroup) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.sizing || u.deps.Now().Before(u.sizeAfter) {
		return
	}
	var due []appliance.InstallName
	for name, t := range u.tracks {
		if name != "" && !u.deps.Now().Before(t.sized) {
			due = append(due, name)
		}
	}
	if len(due) == 0 {
		return
	}
	u.sizing = true
	running.Go(func() {
		for _, name := range due {
			u.size(ctx, name)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.sizing = false
	})
}

// size measures the data of one app.
func (u *Usage) size(ctx context.Context, name appliance.InstallName) {
	limited, cancel := context.WithTimeout(ctx, sizeWithin)
	defer cancel()
	bytes, err := u.dataBytes(limited, name)
	again := jitter(sizeEvery)
	if err != nil {
		bytes = math.NaN()
		u.deps.Log.DebugContext(ctx, "data of an app not measured", slog.Any(logkey.Install, name), slog.Any(logkey.Err, err))
		if !errors.Is(err, engine.ErrNotMeasured) {
			again = sizeAgain
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if t := u.tracks[name]; t != nil {
		t.disk, t.sized = bytes, u.deps.Now().Add(again)
	}
}

// jitter is about d: a tenth more or less.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5) //nolint:gosec // nothing secret
}

func (u *Usage) dataBytes(ctx context.Context, name appliance.InstallName) (sum float64, err error) {
	spec, err := u.deps.Spec(ctx, name)
	if err != nil {
		return 0, err
	}
	for _, volume := range spec.Volumes {
		n, err := u.deps.Engine.VolumeBytes(ctx, name, volume)
		if err != nil {
			return 0, err
		}
		sum += float64(n)
	}
	return sum, nil
}
