// SPDX-License-Identifier: AGPL-3.0-or-later

package usage

import (
	"math"
	"slices"
	"time"

	"coopkit/appliance"
)

// track is what is remembered of the box or of one app.
type track struct {
	created time.Time                      // of the install: another one of the same name begins anew
	rings   map[appliance.UsageSpan][]cell //
	open    [appliance.Measures]collected  // in the minute that goes on
	now     [appliance.Measures]float64    // at the last sample; NaN: not known
	disk    float64                        // bytes of its volumes when they were last looked at
	worked  time.Duration                  // processor time since the agent started, of an app
	sized   time.Time                      // when they are looked at again
}

// cell is one slot of one track. The zero value is empty.
type cell struct {
	begins int64 // seconds since 1970
	used   [appliance.Measures]appliance.UsageRange
}

// collected is what is known of the minute that goes on.
type collected struct {
	n             int
	sum, min, max float64
}

func newTrack(created time.Time) *track {
	t := &track{created: created, rings: map[appliance.UsageSpan][]cell{}, disk: math.NaN()}
	for _, span := range appliance.UsageSpans {
		t.rings[span] = make([]cell, span.Slots())
	}
	for i := range t.now {
		t.now[i] = math.NaN()
	}
	return t
}

// collect adds the figures of one sample to the minute that goes on.
func (t *track) collect(now [appliance.Measures]float64) {
	t.now = now
	for i, v := range now {
		c := &t.open[i]
		if math.IsNaN(v) {
			continue
		}
		if c.n == 0 {
			c.min, c.max = v, v
		}
		c.n, c.sum, c.min, c.max = c.n+1, c.sum+v, min(c.min, v), max(c.max, v)
	}
}

// end puts the minute that went on into the rings.
func (t *track) end(minute time.Time) {
	var used [appliance.Measures]appliance.UsageRange
	for i, c := range t.open {
		if used[i] = appliance.Unmeasured; c.n > 0 {
			used[i] = appliance.UsageRange{Mean: float32(c.sum / float64(c.n)), Min: float32(c.min), Max: float32(c.max)}
		}
	}
	t.open = [appliance.Measures]collected{}
	*t.at(appliance.LastHour, minute) = cell{minute.Unix(), used}
	t.sum(minute)
}

// sum makes the slots of the longer spans that moment is in from those of the
// shorter ones: nothing of a slot that goes on is lost with the process.
func (t *track) sum(moment time.Time) {
	for i, span := range appliance.UsageSpans[1:] {
		finer, begins := appliance.UsageSpans[i], beginOf(span, moment)
		var parts []cell
		for at := begins; at.Before(begins.Add(span.Slot())); at = at.Add(finer.Slot()) {
			if c := t.at(finer, at); c.begins == at.Unix() {
				parts = append(parts, *c)
			}
		}
		*t.at(span, begins) = cell{begins.Unix(), summed(parts)}
	}
}

// summed is what was used in several slots.
func summed(parts []cell) (used [appliance.Measures]appliance.UsageRange) {
	for m := range used {
		var n int
		var sum float64
		used[m] = appliance.Unmeasured
		for _, c := range parts {
			r := c.used[m]
			if !r.Known() {
				continue
			}
			if n++; n == 1 {
				used[m] = r
			}
			sum += float64(r.Mean)
			used[m].Min, used[m].Max = min(used[m].Min, r.Min), max(used[m].Max, r.Max)
		}
		if n > 0 {
			used[m].Mean = float32(sum / float64(n))
		}
	}
	return used
}

// beginOf is when the slot that moment is in begins.
func beginOf(span appliance.UsageSpan, moment time.Time) time.Time {
	length := int64(span.Slot() / time.Second)
	return time.Unix(moment.Unix()-mod(moment.Unix(), length), 0).UTC()
}

// at is the cell of the ring that has the slot beginning then, or one that began
// some whole rings before or after it.
func (t *track) at(span appliance.UsageSpan, begins time.Time) *cell {
	ring := t.rings[span]
	return &ring[mod(begins.Unix()/int64(span.Slot()/time.Second), int64(len(ring)))]
}

// mod is a modulo b, never negative: a box without a clock can believe to be in
// 1969.
func mod(a, b int64) int64 { return ((a % b) + b) % b }

// points are the slots between from and to in which a measure was measured. What
// the clock once took for the future is not among them.
func (t *track) points(span appliance.UsageSpan, m appliance.Measure, from, to time.Time) []appliance.CoursePoint {
	points := []appliance.CoursePoint{}
	for _, c := range t.rings[span] {
		begins := time.Unix(c.begins, 0).UTC()
		if c.begins == 0 || begins.After(to) || !begins.Add(span.Slot()).After(from) || !c.used[m].Known() {
			continue
		}
		r := c.used[m]
		points = append(points, appliance.CoursePoint{At: begins.Add(span.Slot() / 2), Mean: float64(r.Mean), Min: float64(r.Min), Max: float64(r.Max)})
	}
	slices.SortFunc(points, func(a, b appliance.CoursePoint) int { return a.At.Compare(b.At) })
	return points
}

// figure is a figure that may not be known.
func figure(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
