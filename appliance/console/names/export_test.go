// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"time"

	"coopkit/appliance/console/area"
)

// RoutesAtPace is Routes whose live pages look this often.
func RoutesAtPace(d area.Deps, box Agent, a, b, c time.Duration) { routes(d, box, pace{a, b, c}) }
