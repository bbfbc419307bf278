// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"time"

	"coopkit/internal/problem"
)

// Draft is a site that was received and waits for an address.
type Draft struct {
	ID      string    `json:"id"`
	Owner   string    `json:"owner"` // who sent it, in the words of what received it
	Files   int       `json:"files"`
	Bytes   int64     `json:"bytes"`
	LeftOut int       `json:"left_out"` // files that no visitor needs
	Top     string    `json:"top"`      // folder that everything lies in, with a slash, if the front page does; or empty
	Index   string    `json:"index"`    // path of the index.html nearest to the top, or empty
	Expires time.Time `json:"expires"`
}

// DraftGone is the Problem of a draft that is asked for and not there, or of
// another owner.
func DraftGone() error {
	return &problem.Problem{
		Code: "upload-gone", Kind: problem.NotFound, What: "what was sent is not on the box any more, so nothing was published",
		Why: "it is kept for 30 minutes, and only until the box restarts or something else is sent", Next: []string{"send the site again"},
	}
}

// PushSite asks to publish a draft, or for the plan of that. A plan without a
// draft says whether a site can be at the address.
type PushSite struct {
	Host     string `json:"host"`
	Draft    string `json:"draft"`
	Strip    bool   `json:"strip,omitempty"`     // take off the Top of the draft
	PlanHash string `json:"plan_hash,omitempty"` // refuse if the plan is another by now
}

// RollbackSite asks to publish an older version again; 0 is the one before.
type RollbackSite struct {
	Host    string `json:"host"`
	Version int    `json:"version"`
}

// RemoveSite asks to remove a site with all its versions.
type RemoveSite struct {
	Host     string `json:"host"`
	PlanHash string `json:"plan_hash,omitempty"` // refuse if the plan is another by now
}
