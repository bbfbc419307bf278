// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import "time"

// ExportApp asks for a copy of an app with its data.
type ExportApp struct {
	Name     string `json:"name"`
	PlanHash string `json:"plan_hash,omitempty"` // refuse if the plan is another by now
}

// AppCopy is a copy of an app that can be downloaded: all that runs it again
// with plain Docker Compose, its passwords too.
type AppCopy struct {
	App     InstallName `json:"app"`
	Made    time.Time   `json:"made"`
	Expires time.Time   `json:"expires"` // then the box deletes it
	Bytes   int64       `json:"bytes"`
}
