// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"maps"
	"slices"
	"time"

	"coopkit/appliance"
)

// What holds messages back. Nothing is lost by it: what is still so is told when
// the time has come.
const (
	settle = 2 * time.Minute    // so long a finding must show: its root cause may be found after it, and hides it then
	calm   = 5 * time.Minute    // so long it must be gone before it is over
	damp   = 6 * time.Hour      // so long after a message about a cause nothing is said of its coming back, unless it is worse
	perDay = 12                 // messages to a person within 24 hours
	recent = 2 * 24 * time.Hour // older endings of jobs are not told
)

// condition is something a person may be told of.
type condition struct {
	cause    string
	severity appliance.Severity
	finding  appliance.Finding
	job      *appliance.Job // nil: it is a finding
	once     bool           // it is an event: it does not last
	since    time.Time      // without a break, as far as this process saw
}

// situation is what there is to tell at one time.
type situation struct {
	now        time.Time
	quiet      bool            // only what is critical may be told now
	looked     bool            // all checks have looked: what is not found is over
	conditions []condition     // worst first
	hidden     map[string]bool // causes that another one explains: neither begun nor over
}

// decide returns what a person is told now, and what is to be remembered of it.
// Whatever must wait is left as it is, so it is decided again later.
func decide(s situation, least appliance.Severity, told map[string]Told) (entries []Entry, changed []Told) {
	for _, c := range s.conditions {
		t := told[c.cause]
		event, next := s.begin(c, least, t)
		if event != "" && s.quiet && c.severity < appliance.Critical {
			event, next = "", t
			next.Gone = time.Time{} // it is there, whenever it is told
		}
		if event != "" {
			entries = append(entries, Entry{Event: event, Finding: c.finding, Job: c.job})
		}
		if event != "" || next.Open != t.Open || !next.Gone.Equal(t.Gone) {
			changed = append(changed, next)
		}
	}
	over, more := s.over(told)
	return append(entries, over...), append(changed, more...)
}

// begin says whether a person hears of a condition now, and what is remembered
// of it. t is the zero Told for one that the person never heard of.
func (s situation) begin(c condition, least appliance.Severity, t Told) (Event, Told) {
	next := t
	next.Cause, next.Finding, next.Gone = c.cause, c.finding, time.Time{}
	known := t.Cause != ""
	switch {
	case c.severity < least, c.once && known:
		return "", next
	case c.once:
		next.Severity, next.At = c.severity, s.now
		return Ended, next
	case t.Open && t.Said && c.severity <= t.Severity, s.now.Sub(c.since) < settle:
		return "", next
	case t.Open && t.Said:
		next.Severity, next.At = c.severity, s.now
		return Worse, next
	case known && s.now.Sub(t.At) < damp && c.severity <= t.Severity: // it comes and goes
		next.Open = true
		return "", next
	default:
		next.Open, next.Said, next.Severity, next.At, next.Thread = true, true, c.severity, s.now, ""
		return Began, next
	}
}

// over returns what is over, as far as the person was told that it began.
func (s situation) over(told map[string]Told) (entries []Entry, changed []Told) {
	for _, cause := range slices.Sorted(maps.Keys(told)) {
		t := told[cause]
		there := slices.ContainsFunc(s.conditions, func(c condition) bool { return c.cause == cause })
		switch {
		case !t.Open || there || !s.looked:
			continue
		case s.hidden[cause]:
			if t.Gone.IsZero() {
				continue
			}
			t.Gone = time.Time{}
		case t.Gone.IsZero():
			t.Gone = s.now
		case s.now.Sub(t.Gone) < calm, t.Said && s.quiet:
			continue
		default:
			if t.Said {
				entries = append(entries, Entry{Event: Over, Finding: t.Finding})
				t.At = s.now
			}
			t.Open, t.Said, t.Gone = false, false, time.Time{}
		}
		changed = append(changed, t)
	}
	return entries, changed
}
