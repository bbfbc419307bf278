// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"time"

	"coopkit/appliance/console/area"
)

// RoutesAtPace is Routes whose live pages look this often.
func RoutesAtPace(d area.Deps, a, b, c time.Duration) { routes(d, pace{a, b, c}) }
