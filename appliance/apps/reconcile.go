// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/supervise"
)

const (
	reconcileEvery = 30 * time.Second
	burst          = time.Second     // without an engine event, until one look for all of them
	longestBurst   = 5 * time.Second // then it is time to look, however many come
	watchAgain     = 5 * time.Second
)

// Run keeps every install as the store wants it until ctx ends: at once, after
// each engine event, and every 30 seconds whatever happened. It looks at what
// is, never at what an event says.
func (a *Apps) Run(ctx context.Context) error {
	var working sync.WaitGroup
	defer working.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before it waits: also when this loop panics
	working.Go(func() {
		supervise.Keep(ctx, a.Log, supervise.Part{Name: "engine events", Run: func(ctx context.Context) error { a.watch(ctx); return nil }})
	})
	eachBurst(ctx, a.wake, func() { a.forgetCopies(); a.look(ctx, &working) })
	return nil
}

// eachBurst calls look at once, when a burst of events has passed or lasts too
// long, and every reconcileEvery, until ctx ends.
func eachBurst(ctx context.Context, events <-chan struct{}, look func()) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var began time.Time // of the burst; zero: there is none
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			if began.IsZero() {
				began = time.Now()
			}
			timer.Reset(min(burst, max(longestBurst-time.Since(began), 0)))
		case <-timer.C:
			began = time.Time{}
			look()
			timer.Reset(reconcileEvery)
		}
	}
}

// watch turns engine events into looks, and connects again when the engine
// comes back.
func (a *Apps) watch(ctx context.Context) {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		if events, err := a.Engine.Watch(ctx); err == nil {
			a.Wake()
			for ev := range events {
				if ev.Action == engine.RanOutOfMemory {
					a.ranOut.add(ev.Install, a.Now())
				}
				a.Wake()
			}
			a.Wake() // the engine went away: the routes must say so
		}
		again.Reset(watchAgain)
	}
}

// Wake asks for a look soon.
func (a *Apps) Wake() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Reconcile looks at every install once and puts right what differs; it returns
// when that is done. Installs that a job is changing are left to the job.
func (a *Apps) Reconcile(ctx context.Context) {
	var working sync.WaitGroup
	a.look(ctx, &working)
	working.Wait()
}

// look has each install looked at beside the others, so that one that takes
// minutes to come up, or never does, keeps no other waiting.
func (a *Apps) look(ctx context.Context, working *sync.WaitGroup) {
	installs, err := a.Store.Installs(ctx)
	if err != nil {
		a.Log.Error("installs not read", slog.Any(logkey.Err, err))
		return
	}
	a.shelf.forget(installs)
	for _, in := range installs {
		if in.Release == 0 {
			continue
		}
		working.Go(func() {
			a.Jobs.Exclusive(ctx, subject(in.Name), func(ctx context.Context) {
				err := supervise.Recovered(func() error { return a.keep(ctx, in.Name) })
				if err != nil && ctx.Err() == nil {
					a.Log.Warn("install is not as wanted", slog.String(logkey.Install, string(in.Name)), slog.Any(logkey.Err, err))
				}
			})
		})
	}
	if err := a.Door.Refresh(ctx); err != nil && ctx.Err() == nil {
		a.Log.Error("routes not renewed", slog.Any(logkey.Err, err))
	}
}

// keep brings one install to what is wanted, if it is not.
func (a *Apps) keep(ctx context.Context, name appliance.InstallName) error {
	r, err := a.active(ctx, name)
	if err != nil {
		return err
	}
	return a.raise(ctx, r, appliance.Quiet{})
}

// errDataMissing is what dataMissing's problems are compared with.
var errDataMissing = &problem.Problem{Code: "data-missing"}

func dataMissing(name appliance.InstallName, volume string) error {
	return &problem.Problem{
		Code: "data-missing", Kind: problem.Failed,
		What: "the data of " + string(name) + " is not where it was, so the app was not started",
		Why:  "its volume " + engine.VolumeName(name, volume) + " does not exist any more; an empty one in its place would hide the loss",
		Next: []string{
			"docker volume ls",
			"check whether the engine uses another data folder than before, or a disk is not mounted",
			"restore the newest backup with your support desk",
		},
	}
}
