// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

// PushSite says what is about to be published: how many files, of how many
// bytes together.
type PushSite struct {
	Host  string `json:"host"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
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
