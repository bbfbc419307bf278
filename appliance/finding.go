// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"net/url"
	"time"
)

// Severity of a finding. Notice: nothing breaks. Warning: it will break, the
// date is known or likely. Critical: people are affected or data is at risk now.
type Severity int

// The severities, mildest first.
const (
	OK Severity = iota
	Notice
	Warning
	Critical
)

var severityNames = [...]string{"ok", "notice", "warning", "critical"}

// String returns the stable lower-case name.
func (s Severity) String() string {
	if s < OK || s > Critical {
		return "unknown"
	}
	return severityNames[s]
}

// MarshalText writes the name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name; an unknown one reads as Critical, so that a
// newer agent's finding is never shown milder than it is.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, name := range severityNames {
		if name == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	*s = Critical
	return nil
}

// Actor says who can do something about a finding: a code, for which package
// say and the desk have the words.
type Actor string

// The actors.
const (
	You        Actor = "you"
	YourISP    Actor = "isp"
	YourITCoop Actor = "itcoop"
)

// Actors are all of them.
var Actors = []Actor{You, YourISP, YourITCoop}

// UnmarshalText reads the code, and the English words that findings stored by
// the first version have in its place.
func (a *Actor) UnmarshalText(b []byte) error {
	switch s := string(b); s {
	case "your Internet provider":
		*a = YourISP
	case "your IT co-op":
		*a = YourITCoop
	default:
		*a = Actor(s)
	}
	return nil
}

// Day is what the checks found on one day, in the time zone of the box.
type Day struct {
	Date   string `json:"date"`   // as 2026-11-27
	Looked bool   `json:"looked"` // whether they looked at all: the box was on
	// Worst has the worst severity of each subject that something was found about.
	Worst map[string]Severity `json:"worst,omitempty"`
}

// Finding is the result of a check about one subject. Code and Subject
// together are its identity over time.
type Finding struct {
	Code     string    `json:"code"`    // stable, upper case with hyphens: DISK-NEARLY-FULL
	Subject  string    `json:"subject"` // what it is about: "disk:/var/lib/coopkit", "app:wordpress"; may be empty
	Severity Severity  `json:"severity"`
	What     string    `json:"what"` // the effect on people, now
	Why      string    `json:"why"`
	Next     []string  `json:"next"`
	Who      Actor     `json:"who"`
	Since    time.Time `json:"since"`
	Hides    []string  `json:"hides,omitempty"` // "CODE subject" of the consequences that it hides
	// Args are the values in the sentences, so that they can be said in other
	// languages: package webkit has the words, by code and Args["case"]. The end
	// of a name says how its value is written: _bytes is a size in bytes, _at a
	// time in RFC 3339, _seconds a duration, _count a number.
	Args map[string]string `json:"args,omitempty"`
}

// Path is that of its page in the console.
func (f Finding) Path() string {
	return "/findings/" + f.Code + "/" + (&url.URL{Path: f.Subject}).EscapedPath()
}

// Report is what the checks found at one time, worst first. Findings is never
// nil in what the agent answers.
type Report struct {
	At       time.Time `json:"at"`     // the zero time: nothing was looked at yet
	Checks   int       `json:"checks"` // how many ran
	Findings []Finding `json:"findings"`
}

// Worst returns the worst severity of the report.
func (r Report) Worst() Severity {
	w := OK
	for _, f := range r.Findings {
		w = max(w, f.Severity)
	}
	return w
}
