// SPDX-License-Identifier: AGPL-3.0-or-later

package dns

import "fmt"

// Line is one line of a diff: data that each front end renders in its own way.
// Values are a TTL, a type and data, as in a zone file.
type Line struct {
	Verb string // create, change, remove or keep
	Name string
	From string // the value before; empty if there was none
	To   string // the value after; empty if there is none
}

// Lines returns the diff line by line. A record that replaces another of the
// same name and type is one line.
func (d Diff) Lines() []Line {
	var lines []Line
	add := append([]Record(nil), d.Add...)
	for _, r := range d.Remove {
		l := Line{Verb: "remove", Name: r.Name, From: value(r)}
		for i, a := range add {
			if a.Set() == r.Set() {
				l.Verb, l.To = "change", value(a)
				add = append(add[:i], add[i+1:]...)
				break
			}
		}
		lines = append(lines, l)
	}
	for _, r := range add {
		lines = append(lines, Line{Verb: "create", Name: r.Name, To: value(r)})
	}
	for _, r := range d.Keep {
		lines = append(lines, Line{Verb: "keep", Name: r.Name, From: value(r), To: value(r)})
	}
	return lines
}

func value(r Record) string { return fmt.Sprintf("%d %s %s", r.TTL, r.Type, r.Data) }
