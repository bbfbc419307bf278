// SPDX-License-Identifier: AGPL-3.0-or-later

// Package area is what every area of the console (apps, sites, names, …) is
// given, and the words that they share: a plan to agree to, a finding, a
// problem in a form. It asks the agent through control.Agent only. Its tests
// render those parts from made-up plans and findings.
package area

import (
	"log/slog"
	"time"

	"coopkit/internal/webkit"
)

// Deps are what every area works with. What it asks of the box it says itself.
type Deps struct {
	UI  *webkit.UI
	Log *slog.Logger
	Now func() time.Time
}
