// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"time"

	"coopkit/appliance"
)

// covers reports whether it is within the hours at t, by the clock of its zone.
func covers(h appliance.Hours, t time.Time) bool {
	if !h.On || h.From == h.Until {
		return false
	}
	minute := t.Hour()*60 + t.Minute()
	if h.From < h.Until {
		return h.From <= minute && minute < h.Until
	}
	return minute >= h.From || minute < h.Until
}

// weeklyLate is how long after its hour a weekly message is still sent: the box
// may have been off, or it was night.
const weeklyLate = 24 * time.Hour

// weeklyDue reports whether the message of this week has not been written yet.
func weeklyDue(w appliance.Weekly, last, t time.Time) bool {
	if !w.On {
		return false
	}
	slot := time.Date(t.Year(), t.Month(), t.Day()-int((7+t.Weekday()-w.Day)%7), w.Hour, 0, 0, 0, t.Location())
	if slot.After(t) {
		slot = time.Date(slot.Year(), slot.Month(), slot.Day()-7, w.Hour, 0, 0, 0, t.Location())
	}
	return last.Before(slot) && t.Sub(slot) < weeklyLate
}
