// SPDX-License-Identifier: AGPL-3.0-or-later

package dns

import "fmt"

// Line is one line of a diff: data that each front end renders in its own way.
type Line struct {
	Verb  string // create, change, remove or keep
	Thing string // "A record www.demo.coop"
	From  string // the value before; empty if there was none
	To    string // the value after; empty if there is none
}

// Lines returns the diff line by line. A record that replaces another of the
// same name and type is one line.
func (d Diff) Lines() []Line {
	var lines []Line
	add := append([]Record(nil), d.Add...)
	for _, r := range d.Remove {
		l := Line{Verb: "remove", Thing: thing(r), From: value(r)}
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
		lines = append(lines, Line{Verb: "create", Thing: thing(r), To: value(r)})
	}
	for _, r := range d.Keep {
		lines = append(lines, Line{Verb: "keep", Thing: thing(r), From: value(r), To: value(r)})
	}
	return lines
}

func thing(r Record) string { return r.Type + " record " + r.Name }

func value(r Record) string { return fmt.Sprintf("%s (TTL %d s)", r.Data, r.TTL) }
