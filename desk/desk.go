// SPDX-License-Identifier: AGPL-3.0-or-later

// Package desk holds the words of the support desk: Coop, Person, Principal,
// Box, Invitation and their states, with the rules that need nothing but them.
// It knows nothing of databases, HTTP or pages. Its tests are tables.
package desk

import (
	"time"

	"coopkit/desk/wire"
)

// CoopID names a co-op at this desk: a slug.
type CoopID string

// Coop is a co-op that this desk knows: one with boxes, one that looks after
// boxes of others (an IT co-op), or both.
type Coop struct {
	ID      CoopID
	Name    string
	Place   string // town or region, for people
	ITCoop  bool   // it may look after boxes of others
	Created time.Time
}

// Role says what a person may see and do at the desk.
type Role string

// A member sees the boxes of their own co-op and those that it looks after; a
// technician also makes invitations and confirms boxes among them; a
// coordinator does so for every co-op, and adds co-ops and people.
const (
	Member      Role = "member"
	Technician  Role = "technician"
	Coordinator Role = "coordinator"
)

// CommandLine is the Person of whoever asks at the desk's own machine; pages
// have words for it.
const CommandLine = "command line"

// Principal is who asks. Every query of the store is bound to one.
type Principal struct {
	Person string
	Coop   CoopID
	Role   Role
}

// BoxState says what is known of a box as a whole. It never guesses: a box
// that does not report is late or unreachable, not down.
type BoxState string

// The states. Pending, Suspected and Left are kept; the others follow from the
// last report and the clock.
const (
	BoxPending     BoxState = "pending"     // joined; nobody has compared the words yet
	BoxUp          BoxState = "up"          // its last report is on time
	BoxLate        BoxState = "late"        // more than 1.5 periods since the last report
	BoxUnreachable BoxState = "unreachable" // more than 3 periods and 20 s
	BoxSuspected   BoxState = "suspected"   // two boxes use its key, or its journal went back
	BoxLeft        BoxState = "left"
)

// Silence is after how long without a report a box is unreachable.
func Silence(period time.Duration) time.Duration { return 3*period + 20*time.Second }

// StateAt returns what the last report, seen at seen, says at now for a box
// that reports every period.
func StateAt(seen, now time.Time, period time.Duration) BoxState {
	switch silent := now.Sub(seen); {
	case silent > Silence(period):
		return BoxUnreachable
	case silent > period+period/2:
		return BoxLate
	default:
		return BoxUp
	}
}

// Box is one box as the desk knows it.
type Box struct {
	ID        wire.BoxID
	Coop      CoopID
	Caretaker CoopID // the IT co-op that looks after it; may be empty
	Name      string
	State     BoxState
	Words     [4]string
	Joined    time.Time
	Seen      time.Time // last report, by the desk's clock
	Skew      time.Duration
	Entries   uint64 // number of the last entry that is stored
	Lost      int    // entries that the desk never got
	Facts     wire.Facts
	Sample    wire.Sample
	Findings  []wire.Finding // open ones, worst first
}

// Invitation lets one box join, once, until it expires.
type Invitation struct {
	ID        string
	Coop      CoopID
	Caretaker CoopID
	By        string // who made it
	Created   time.Time
	Expires   time.Time
	Used      time.Time // zero: not used
	Box       wire.BoxID
	Confirmed bool // a box that joins with it need not be confirmed
}
