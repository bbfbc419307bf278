// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"time"

	"coopkit/appliance"
	"coopkit/internal/deliver"
)

// Writer says a Letter in a language: subject, text, link, and the data for
// programs. ID, Thread and At are not its matter.
type Writer interface {
	Write(lang string, l Letter) (deliver.Message, error)
}

// LetterKind says what a letter is for.
type LetterKind string

// The kinds.
const (
	LetterNews   LetterKind = "news"   // something began, became worse or is over
	LetterWeekly LetterKind = "weekly" // how the box is, once a week
	LetterTest   LetterKind = "test"   // proves a channel
)

// Letter is what a person is to read.
type Letter struct {
	Kind    LetterKind
	Box     Box
	At      time.Time
	Place   *time.Location // whose clock its times are
	Entries []Entry        // of news: what happened, worst first; of the week: what is open
	Last    bool           // no more is sent today
	Lost    int            // messages that never arrived
	Code    string         // of a test; empty: none is to be entered
	Channel appliance.ChannelKind
}

// Event says what happened to a cause.
type Event string

// The events.
const (
	Began Event = "began"
	Worse Event = "worse"
	Over  Event = "over"
	Still Event = "still" // nothing: it is as it was
	Ended Event = "ended" // a job ended badly, or needs a person
)

// Entry is one thing in a letter.
type Entry struct {
	Event   Event
	Finding appliance.Finding
	Job     *appliance.Job // of Ended; nil: it is about a finding
}

// Severity is how bad it is.
func (e Entry) Severity() appliance.Severity {
	if e.Job != nil {
		return jobSeverity(*e.Job)
	}
	return e.Finding.Severity
}
