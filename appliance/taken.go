// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// AddressTaken is the Problem of a host that something else answers at.
func AddressTaken(host hostname.Name) error { return addressTaken(host) }

func addressTaken(host hostname.Name) *problem.Problem {
	return &problem.Problem{
		Code: "address-taken", Kind: problem.Conflict,
		What: "something else on this box answers at " + host.String() + " already",
		Next: []string{"choose another address", "coopkit app list", "coopkit site list", "coopkit redirect list"},
		Args: map[string]string{"host": host.String()},
	}
}

// Taken is the Problem of wanting this address for something else. It names what
// answers there; title is what people call an app.
func (a Address) Taken(title string) error {
	p := addressTaken(a.Host)
	switch a.Kind {
	case ToService:
		p.What = a.Host.String() + " is the address of " + title
		p.Args["case"], p.Args["title"] = "app", title
	case ToSite:
		p.What = "there is a site at " + a.Host.String()
		p.Args["case"] = "site"
	case ToRedirect:
		p.What = a.Host.String() + " leads visitors to " + a.Target
		p.Args["case"], p.Args["target"] = "redirect", a.Target
	}
	return p
}
