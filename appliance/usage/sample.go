// SPDX-License-Identifier: AGPL-3.0-or-later

package usage

import (
	"context"
	"log/slog"
	"math"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
)

// sample measures the box and its apps once. What cannot be measured is a gap in
// its own course and in no other.
func (u *Usage) sample(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	box, boxErr := u.deps.Box(limited)
	apps, appsErr := u.measureApps(limited)
	at := u.deps.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.roll(at)
	u.at = at
	for _, t := range u.tracks {
		t.now = [appliance.Measures]float64{math.NaN(), math.NaN(), t.disk}
	}
	if boxErr == nil {
		u.tracks[""].collect(figuresOfBox(u.box, box))
		u.box = box
	}
	if appsErr == nil {
		u.collect(apps)
	}
	if failing := boxErr != nil || appsErr != nil; failing != u.failing && ctx.Err() == nil {
		u.failing = failing
		u.deps.Log.InfoContext(ctx, "usage measured", slog.Bool("whole", !failing), slog.Any(logkey.Err, appsErr), slog.Any("box_err", boxErr))
	}
}

// roll ends the minute that went on, if at is in another one.
func (u *Usage) roll(at time.Time) {
	minute := beginOf(appliance.LastHour, at)
	if minute.Equal(u.minute) {
		return
	}
	if !u.minute.IsZero() {
		for _, t := range u.tracks {
			t.end(u.minute)
		}
		u.unsaved = append(u.unsaved, u.minute)
	}
	u.minute = minute
}

// seen is what the apps use, at one time.
type seen struct {
	installs map[appliance.InstallName]time.Time
	memory   map[appliance.InstallName]float64
	counted  map[string]time.Duration         // processor time of each container
	owner    map[string]appliance.InstallName // of a container
}

func (u *Usage) measureApps(ctx context.Context) (seen, error) {
	s := seen{memory: map[appliance.InstallName]float64{}, counted: map[string]time.Duration{}, owner: map[string]appliance.InstallName{}}
	var err error
	if s.installs, err = u.deps.Store.UsageApps(ctx); err != nil {
		return s, err
	}
	services, err := u.deps.Engine.Usage(ctx)
	for _, one := range services {
		s.memory[one.Install] += float64(one.MemoryBytes)
		s.counted[one.Container], s.owner[one.Container] = one.Processor, one.Install
	}
	return s, err
}

// collect takes in what the apps use. The caller holds mu.
func (u *Usage) collect(s seen) {
	passed := time.Since(u.countedAt)
	if u.countedAt.IsZero() || passed > 3*sampleEvery || passed < time.Second { // what it worked then says nothing of now
		passed = 0
	}
	worked := map[appliance.InstallName]time.Duration{}
	for id, total := range s.counted {
		before, was := u.counted[id]
		if !was || total < before {
			before = 0 // it started since
		}
		worked[s.owner[id]] += total - before
	}
	u.counted, u.countedAt = s.counted, time.Now()
	for name, created := range s.installs {
		t := u.tracks[name]
		if t == nil || !t.created.Equal(created) {
			t = newTrack(created)
			u.tracks[name] = t
		}
		share := math.NaN()
		if passed > 0 {
			t.worked += worked[name]
			share = min(worked[name].Seconds()/passed.Seconds()/float64(u.deps.Processors), 1)
		}
		t.collect([appliance.Measures]float64{s.memory[name], share, t.disk})
	}
	for name := range u.tracks {
		if _, there := s.installs[name]; !there && name != "" {
			delete(u.tracks, name)
		}
	}
}

// figuresOfBox are the figures of a sample of the box.
func figuresOfBox(before, now Box) [appliance.Measures]float64 {
	share := math.NaN()
	if all := now.All - before.All; before.All > 0 && all > 0 && now.Busy >= before.Busy {
		share = min(float64(now.Busy-before.Busy)/float64(all), 1)
	}
	return [appliance.Measures]float64{float64(now.MemoryUsed), share, float64(now.DiskUsed)}
}
