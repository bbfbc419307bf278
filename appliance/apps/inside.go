// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"net/netip"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// Inside returns the host's own addresses in the networks of the installs that
// have an address: an app finds the front door there, at the names that are its
// own. They are there once the network is made.
func (a *Apps) Inside(ctx context.Context) ([]netip.Addr, error) {
	installs, err := a.Store.Installs(ctx)
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, in := range installs {
		if len(ownNames(in)) > 0 && in.Subnet.IsValid() {
			out = append(out, engine.Gateway(in.Subnet))
		}
	}
	return out, nil
}

// ownNames are the names that lead the containers of an install to the front
// door: its own, and of no other app. A scratch install has none that are true.
func ownNames(in appliance.Install) []string {
	if in.Scratch {
		return nil
	}
	out := make([]string, len(in.Addresses))
	for i, host := range in.Addresses {
		out[i] = host.String()
	}
	return out
}
