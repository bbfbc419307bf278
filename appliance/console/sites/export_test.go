// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import "coopkit/appliance/console/area"

// RoutesSmall is Routes with a limit that tests can reach.
func RoutesSmall(d area.Deps, box Agent) { routes(d, box, 1<<20) }
