// SPDX-License-Identifier: AGPL-3.0-or-later

package locale

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Values are the args of a code (a finding, a problem, a note of a plan) as a
// language writes them. The end of the name of an arg says how: _bytes as a
// size, _at as date and time, _seconds as a duration, _count as a number that
// also chooses the plural form. One that is not what its name says is left out.
type Values struct {
	l     *Locale
	pairs []any    // for T
	names []string // that pairs has
}

// Values writes args in the language, and times in the zone of place.
func (l *Locale) Values(args map[string]string, place *time.Location) *Values {
	v := &Values{l: l}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		value, ok := l.write(place, name, args[name])
		if !ok {
			continue
		}
		if _, counts := value.(int64); counts {
			v.names, v.pairs = append(v.names, "count"), append(v.pairs, "count", value)
		}
		v.names, v.pairs = append(v.names, name), append(v.pairs, name, value)
	}
	return v
}

// write turns the value of an arg into what a message takes.
func (l *Locale) write(place *time.Location, name, value string) (any, bool) {
	switch {
	case strings.HasSuffix(name, "_bytes"):
		n, err := strconv.ParseUint(value, 10, 64)
		return l.Bytes(n), err == nil
	case strings.HasSuffix(name, "_seconds"):
		n, err := strconv.ParseInt(value, 10, 33)
		return l.Span(time.Duration(n) * time.Second), err == nil
	case strings.HasSuffix(name, "_at"):
		t, err := time.Parse(time.RFC3339, value)
		return l.DateTime(t.In(place)), err == nil
	case strings.HasSuffix(name, "_count"):
		n, err := strconv.ParseInt(value, 10, 64)
		return n, err == nil
	default:
		return value, value != ""
	}
}

// Say returns the message of a key; false when no language knows it, or when
// there is no value for a place in it.
func (v *Values) Say(key string) (string, bool) {
	if !v.l.Has(key) {
		return key, false
	}
	for _, name := range v.l.Needs(key) {
		if !slices.Contains(v.names, name) {
			return "", false
		}
	}
	return v.l.T(key, v.pairs...), true
}
