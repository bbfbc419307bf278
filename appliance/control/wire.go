// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import "coopkit/appliance"

// The bodies of requests that api.go has no type for.
type (
	testRecipe struct {
		Images appliance.ImageSource `json:"images,omitempty"`
	}
	zone struct {
		Zone     string `json:"zone"`
		PlanHash string `json:"plan_hash,omitempty"`
	}
	pushSite struct {
		Host  string `json:"host"`
		Files int    `json:"files"`
		Bytes int64  `json:"bytes"`
	}
	removeSite struct {
		Host string `json:"host"`
	}
	rollbackSite struct {
		Version int `json:"version"`
	}
	redirect struct {
		Host   string `json:"host"`
		Target string `json:"target"`
	}
	joinDesk struct {
		Code     string `json:"code"`
		PlanHash string `json:"plan_hash,omitempty"`
	}
	none struct{} // the answer of a call that has nothing to say
)

// Media types and header names that both ends use.
const (
	typeJSON  = "application/json"
	typeLines = "application/x-ndjson"
	typeText  = "text/plain; charset=utf-8"
	typeTar   = "application/x-tar"

	// problemTrailer carries the problem of a stream that had already begun.
	problemTrailer = "Coopkit-Problem"
)
