// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"math"
	"time"
)

// UsageSpan is how far back a course of usage goes.
type UsageSpan string

// The spans. Each has slots of its own length, so that a course has a few hundred
// at most.
const (
	LastHour  UsageSpan = "hour"
	LastDay   UsageSpan = "day"
	LastMonth UsageSpan = "month"
)

// UsageSpans are all of them, the shortest first; each is made from the one
// before it.
var UsageSpans = [...]UsageSpan{LastHour, LastDay, LastMonth}

// Length is how far back the span goes.
func (s UsageSpan) Length() time.Duration {
	switch s {
	case LastHour:
		return time.Hour
	case LastDay:
		return 24 * time.Hour
	case LastMonth:
		return 30 * 24 * time.Hour
	default:
		return 0
	}
}

// Slot is how long one slot of the span is; it divides the next span's.
func (s UsageSpan) Slot() time.Duration {
	switch s {
	case LastHour:
		return time.Minute
	case LastDay:
		return 10 * time.Minute
	case LastMonth:
		return 3 * time.Hour
	default:
		return 0
	}
}

// Slots is how many slots are kept: those that the span touches, and a few more.
func (s UsageSpan) Slots() int { return int(s.Length()/s.Slot()) + 4 }

// Measure is something that is measured of the box and of each app.
type Measure int

// The measures: bytes; the share of all processors together; bytes on disk, of an
// app those of its data.
const (
	UsedMemory Measure = iota
	UsedProcessor
	UsedDisk
	Measures // how many there are
)

// UsageRange is how much of one measure was used in a slot. Where nothing was
// measured all are NaN.
type UsageRange struct{ Mean, Min, Max float32 }

// Unmeasured is the UsageRange of a slot in which nothing was measured.
var Unmeasured = UsageRange{float32(math.NaN()), float32(math.NaN()), float32(math.NaN())}

// Known reports whether anything was measured.
func (r UsageRange) Known() bool { return !math.IsNaN(float64(r.Mean)) }

// UsageSlot is what was used in one slot of time, for all that was measured
// then; "" is the box itself.
type UsageSlot struct {
	Span   UsageSpan
	Begins time.Time
	Of     map[InstallName][Measures]UsageRange
}

// AskUsage asks for what was used in the last hour, day or month.
type AskUsage struct {
	App  InstallName `json:"app,omitempty"`  // empty: the box
	Span UsageSpan   `json:"span,omitempty"` // empty: the last day
}

// Usage is what the box, or one app, uses and used.
type Usage struct {
	App       InstallName `json:"app,omitempty"`
	Span      UsageSpan   `json:"span"`
	From      time.Time   `json:"from"`
	To        time.Time   `json:"to"`
	SlotS     int64       `json:"slot_s"` // length of a slot in seconds; a longer step between points is a gap
	Memory    Course      `json:"memory"`
	Processor Course      `json:"processor"`
	Disk      Course      `json:"disk"`
}

// Course is one measure over time: bytes, or the share of all processors.
type Course struct {
	Now    *float64      `json:"now,omitempty"`   // nil: not known
	Whole  float64       `json:"whole,omitempty"` // what there is of it, or the app's limit; 0: not known, or none
	Points []CoursePoint `json:"points"`          // slots in which something was measured, oldest first
}

// Most is the most that was used at any time of the course.
func (c Course) Most() (most float64) {
	for _, p := range c.Points {
		most = max(most, p.Max)
	}
	return most
}

// CoursePoint is one slot of a Course.
type CoursePoint struct {
	At   time.Time `json:"at"` // the middle of the slot
	Mean float64   `json:"mean"`
	Min  float64   `json:"min"`
	Max  float64   `json:"max"`
}

// UsageNow is what an app, or the box, uses now; nil is what is not known.
type UsageNow struct {
	MemoryBytes *float64 `json:"memory_bytes,omitempty"`
	Processor   *float64 `json:"processor,omitempty"` // share of all processors together
	DiskBytes   *float64 `json:"disk_bytes,omitempty"`
}
