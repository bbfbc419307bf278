// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import "coopkit/appliance/health"

// makeHealth makes the registry with every check.
func (a *Agent) makeHealth() (err error) {
	a.backend.health, err = health.New(health.Deps{Log: a.log, Store: a.backend.store})
	return err
}
