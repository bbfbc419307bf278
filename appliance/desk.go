// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"time"

	"coopkit/internal/problem"
)

// DeskState says how the link to the support desk is.
type DeskState string

// The states of the link.
const (
	DeskNone    DeskState = "none"    // this box has not joined a desk
	DeskPending DeskState = "pending" // joined; the desk waits until a person there has compared the words
	DeskLinked  DeskState = "linked"  // the last report arrived
	DeskSilent  DeskState = "silent"  // the desk does not answer; Waiting entries are kept
	DeskRefused DeskState = "refused" // the desk answers and does not take reports; Problem says why
	DeskEnded   DeskState = "ended"   // the desk ended the link; it is asked again a few times a day
)

// DeskLink is the link to the support desk. Everything but State is empty
// while there is none.
type DeskLink struct {
	State          DeskState        `json:"state"`
	URL            string           `json:"url,omitempty"`
	Name           string           `json:"name,omitempty"` // of the desk
	Coop           string           `json:"coop,omitempty"` // that the invitation was made for
	Box            string           `json:"box,omitempty"`  // id of this box at the desk
	KeyFingerprint string           `json:"key_fingerprint,omitempty"`
	Words          [4]string        `json:"words,omitzero"` // the desk shows the same
	Joined         time.Time        `json:"joined,omitzero"`
	LastSent       time.Time        `json:"last_sent,omitzero"` // that the desk confirmed
	LastTried      time.Time        `json:"last_tried,omitzero"`
	NextTry        time.Time        `json:"next_try,omitzero"`
	Waiting        int              `json:"waiting"` // entries that the desk does not have yet
	Problem        *problem.Problem `json:"problem,omitempty"`
}

// JoinDesk asks to join the support desk that an invitation is from.
type JoinDesk struct {
	Code     string `json:"code"`                // the invitation
	PlanHash string `json:"plan_hash,omitempty"` // refuse if the plan is another by now
}
