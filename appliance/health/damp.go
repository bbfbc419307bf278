// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"time"

	"coopkit/appliance"
)

// state is what is known about one finding.
type state struct {
	finding   appliance.Finding
	check     string // that gives it
	bad, good int    // in a row
	visible   bool
}

// usual is how often in a row something must be seen unless its code says
// otherwise.
const usual = 2

func orUsual(n int) int {
	if n > 0 {
		return n
	}
	return usual
}

// observe takes in one result of a check and says whether what shows changed.
// Only a complete result makes anything good that it does not name. The caller
// holds mu.
func (r *Registry) observe(check string, found []appliance.Finding, complete bool, at time.Time) (changed bool) {
	now := map[key]bool{}
	for _, f := range found {
		k := key{f.Code, f.Subject}
		if now[k] {
			continue // the same twice: the first one counts
		}
		now[k] = true
		changed = r.isBad(check, k, f, at) || changed
	}
	for k, s := range r.known {
		if complete && s.check == check && !now[k] {
			changed = r.isGood(k, s) || changed
		}
	}
	return changed
}

func (r *Registry) isBad(check string, k key, f appliance.Finding, at time.Time) (changed bool) {
	s := r.known[k]
	if s == nil {
		f.Since = at
		s = &state{finding: f}
		r.known[k] = s
	}
	if !s.visible && s.bad == 0 {
		s.finding.Since = at // a new streak
	}
	f.Since = s.finding.Since
	changed = s.visible && f.Severity != s.finding.Severity
	s.finding, s.check = f, check
	s.good = 0
	s.bad++
	if !s.visible && s.bad >= orUsual(r.codes[k.code].VisibleAfter) {
		s.visible, changed = true, true
	}
	return changed
}

func (r *Registry) isGood(k key, s *state) (changed bool) {
	s.bad = 0
	s.good++
	if s.visible && s.good < orUsual(r.codes[k.code].HoldAfter) {
		return false
	}
	delete(r.known, k)
	return s.visible
}
