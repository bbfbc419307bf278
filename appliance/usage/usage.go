// SPDX-License-Identifier: AGPL-3.0-or-later

// Package usage measures how much memory, processor and disk the box and each of
// its apps use, and remembers it for an hour, a day and a month in rings of a
// fixed size. It knows neither the engine's nor the kernel's way of counting, nor
// who shows the figures. Its tests simulate a month, jump with the clock, and
// look at a real container.
package usage

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// How often it is measured, and written to the store: a power cut costs so much
// of the course at most, and a memory card few writes.
const (
	sampleEvery = 30 * time.Second
	saveEvery   = 5 * time.Minute
	askWithin   = 5 * time.Second
	freshFor    = 2*sampleEvery + askWithin // how long a figure counts as that of now
)

// Store is what remembers the course.
type Store interface {
	// UsageApps returns the installs that are measured, with when each was made.
	UsageApps(ctx context.Context) (map[appliance.InstallName]time.Time, error)
	// SaveUsage adds slots, each in the place of the one that was there a whole
	// ring before.
	SaveUsage(ctx context.Context, slots []appliance.UsageSlot) error
	// Usage returns all slots, in no particular order.
	Usage(ctx context.Context) ([]appliance.UsageSlot, error)
}

// Engine measures what runs in it.
type Engine interface {
	Usage(ctx context.Context) ([]engine.Usage, error)
	VolumeBytes(ctx context.Context, install appliance.InstallName, volume string) (uint64, error)
}

// Box is what the whole machine uses at one time.
type Box struct {
	MemoryUsed, MemoryBytes uint64
	DiskUsed, DiskBytes     uint64
	Busy, All               time.Duration // of all processors together, since any fixed time
}

// Deps is what Usage needs. All fields are required.
type Deps struct {
	Engine     Engine
	Store      Store
	Box        func(ctx context.Context) (Box, error)
	Spec       func(ctx context.Context, app appliance.InstallName) (engine.Spec, error) // of its active release
	Processors int
	Now        func() time.Time
	Log        *slog.Logger
}

// Usage measures and remembers. It is safe for concurrent use; Run does the work.
type Usage struct {
	deps Deps

	mu      sync.Mutex
	tracks  map[appliance.InstallName]*track
	box     Box         // as it was last
	minute  time.Time   // that samples are collected for
	unsaved []time.Time // minutes that ended
	at      time.Time   // of the last sample

	counted   map[string]time.Duration // processor time by container
	countedAt time.Time                // by a clock that nobody sets
	failing   bool                     // the last sample did not see everything
	sizing    bool                     // volumes are being measured
	sizeAfter time.Time                // no volume is measured earlier: others start then
}

// New makes Usage.
func New(d Deps) *Usage {
	return &Usage{deps: d, tracks: map[appliance.InstallName]*track{"": newTrack(time.Time{})}}
}

// Run measures until ctx ends, and saves what it has then; it returns nil. What
// was remembered before comes first; if it cannot be read, the course begins
// anew.
func (u *Usage) Run(ctx context.Context) error {
	if err := u.load(ctx); err != nil && ctx.Err() == nil {
		u.deps.Log.WarnContext(ctx, "course of usage not read", slog.Any(logkey.Err, err))
	}
	u.mu.Lock()
	u.sizeAfter = u.deps.Now().Add(jitter(sizeRest))
	u.mu.Unlock()
	var sizes sync.WaitGroup
	defer sizes.Wait()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		u.sample(ctx)
		if n%int(saveEvery/sampleEvery) == 0 {
			u.save(ctx)
		}
		u.startSizes(ctx, &sizes)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
			defer cancel()
			u.save(last)
			return nil
		case <-tick.C:
		}
	}
}

// Now returns what the box ("") or an app uses now, as far as it is known.
func (u *Usage) Now(app appliance.InstallName) appliance.UsageNow {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.tracks[app]
	if t == nil || u.deps.Now().Sub(u.at).Abs() > freshFor {
		return appliance.UsageNow{}
	}
	return appliance.UsageNow{
		MemoryBytes: figure(t.now[appliance.UsedMemory]), Processor: figure(t.now[appliance.UsedProcessor]), DiskBytes: figure(t.now[appliance.UsedDisk]),
	}
}

// Reading is what the box ("") or an app uses now, for programs that compute
// themselves.
type Reading struct {
	App appliance.InstallName
	appliance.UsageNow
	Worked             time.Duration // of processors: for an app since the agent started, of the box since that did
	MemoryAll, DiskAll float64       // bytes; of the box
}

// Readings returns those of the box and of all apps, by name.
func (u *Usage) Readings() []Reading {
	u.mu.Lock()
	names := slices.Sorted(maps.Keys(u.tracks))
	out := make([]Reading, 0, len(names))
	for _, name := range names {
		out = append(out, Reading{App: name, Worked: u.tracks[name].worked})
	}
	out[0].Worked, out[0].MemoryAll, out[0].DiskAll = u.box.Busy, float64(u.box.MemoryBytes), float64(u.box.DiskBytes)
	u.mu.Unlock()
	for i := range out {
		out[i].UsageNow = u.Now(out[i].App)
	}
	return out
}

// Usage returns what the box or an app used over a span. Errors are Problems: no
// such app, no such span.
func (u *Usage) Usage(ctx context.Context, ask appliance.AskUsage) (appliance.Usage, error) {
	if ask.Span == "" {
		ask.Span = appliance.LastDay
	}
	if ask.Span.Length() == 0 {
		return appliance.Usage{}, &problem.Problem{
			Code: "usage-span-unknown", Kind: problem.Invalid,
			What: "usage is not kept over a span named " + string(ask.Span),
			Next: []string{"ask for hour, day or month"},
		}
	}
	limit, err := u.limit(ctx, ask.App)
	if err != nil {
		return appliance.Usage{}, err
	}
	now, to := u.Now(ask.App), u.deps.Now()
	out := appliance.Usage{App: ask.App, Span: ask.Span, From: to.Add(-ask.Span.Length()), To: to, SlotS: int64(ask.Span.Slot() / time.Second)}
	u.mu.Lock()
	defer u.mu.Unlock()
	t := cmp.Or(u.tracks[ask.App], newTrack(time.Time{})) // an app that was added just now has none
	course := func(m appliance.Measure, now *float64, whole uint64) appliance.Course {
		return appliance.Course{Now: now, Whole: float64(whole), Points: t.points(ask.Span, m, out.From, out.To)}
	}
	memory, disk := limit, uint64(0)
	if ask.App == "" {
		memory, disk = u.box.MemoryBytes, u.box.DiskBytes
	}
	out.Memory = course(appliance.UsedMemory, now.MemoryBytes, memory)
	out.Processor = course(appliance.UsedProcessor, now.Processor, 1)
	out.Disk = course(appliance.UsedDisk, now.DiskBytes, disk)
	return out, nil
}

// limit is how much memory the services of an app can have together; 0 when one
// has no limit, or it has no release yet.
func (u *Usage) limit(ctx context.Context, app appliance.InstallName) (limit uint64, _ error) {
	if app == "" {
		return 0, nil
	}
	spec, err := u.deps.Spec(ctx, app)
	if err != nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.tracks[app] != nil {
			err = nil
		}
		return 0, err
	}
	for _, s := range spec.Services {
		if s.OneShot {
			continue
		}
		if s.MemoryBytes <= 0 {
			return 0, nil
		}
		limit += uint64(s.MemoryBytes)
	}
	return limit, nil
}
