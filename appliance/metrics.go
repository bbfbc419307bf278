// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import "time"

// MetricsAccess says whether a Prometheus may read this box's metrics, and where.
type MetricsAccess struct {
	Allowed bool      `json:"allowed"`
	Since   time.Time `json:"since,omitzero"` // when the token that counts was made
	URL     string    `json:"url,omitempty"`  // empty: this box serves no console, so nobody can read them there
}

// JobCount is how many jobs of a kind are in a state.
type JobCount struct {
	Kind  Change
	State JobState
	Count int
}

// MetricsToken lets a Prometheus read the metrics. It is shown once: the box keeps
// only its hash.
type MetricsToken struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}
