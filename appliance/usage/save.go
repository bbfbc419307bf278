// SPDX-License-Identifier: AGPL-3.0-or-later

package usage

import (
	"context"
	"log/slog"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
)

// save writes the minutes that ended since it was last called, and the longer
// slots that ended with them: one that goes on is made again from the shorter
// ones. What cannot be written is tried again with the next.
func (u *Usage) save(ctx context.Context) {
	u.mu.Lock()
	minutes := u.unsaved
	var slots []appliance.UsageSlot
	for _, minute := range minutes {
		slots = append(slots, u.slot(appliance.LastHour, minute))
		for _, span := range appliance.UsageSpans[1:] {
			if next := minute.Add(appliance.LastHour.Slot()); beginOf(span, next).Equal(next) {
				slots = append(slots, u.slot(span, beginOf(span, minute)))
			}
		}
	}
	u.mu.Unlock()
	if len(slots) == 0 {
		return
	}
	if err := u.deps.Store.SaveUsage(ctx, slots); err != nil {
		u.deps.Log.WarnContext(ctx, "course of usage not saved", slog.Any(logkey.Err, err))
		minutes = minutes[:max(0, len(minutes)-appliance.LastHour.Slots())] // these are in no ring any more
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.unsaved = u.unsaved[len(minutes):]
}

// slot is what all tracks have of a slot. The caller holds mu.
func (u *Usage) slot(span appliance.UsageSpan, begins time.Time) appliance.UsageSlot {
	s := appliance.UsageSlot{Span: span, Begins: begins, Of: map[appliance.InstallName][appliance.Measures]appliance.UsageRange{}}
	for name, t := range u.tracks {
		if c := t.at(span, begins); c.begins == begins.Unix() {
			s.Of[name] = c.used
		}
	}
	return s
}

// load takes up what was remembered before, and makes the longer slots that went
// on then.
func (u *Usage) load(ctx context.Context) error {
	slots, err := u.deps.Store.Usage(ctx)
	if err != nil {
		return err
	}
	apps, err := u.deps.Store.UsageApps(ctx)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, created := range apps {
		if u.tracks[name] == nil {
			u.tracks[name] = newTrack(created)
		}
	}
	for _, s := range slots {
		for name, used := range s.Of {
			if t := u.tracks[name]; t != nil && s.Span.Length() > 0 {
				*t.at(s.Span, s.Begins) = cell{s.Begins.Unix(), used}
			}
		}
	}
	for _, t := range u.tracks {
		t.complete()
	}
	return nil
}

// complete makes the longer slots that are missing.
func (t *track) complete() {
	for i, span := range appliance.UsageSpans[1:] {
		for _, c := range t.rings[appliance.UsageSpans[i]] {
			begins := beginOf(span, time.Unix(c.begins, 0))
			if c.begins != 0 && t.at(span, begins).begins < begins.Unix() {
				t.sum(begins)
			}
		}
	}
}
