// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"net/http"
	"net/netip"
	"net/url"
	"os"

	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// Kind says what answers at a host.
type Kind string

// The kinds of route.
const (
	Service  Kind = "service"  // proxied to Target
	Site     Kind = "site"     // the files under Root
	Redirect Kind = "redirect" // to the URL To
	Held     Kind = "hold"     // a page that says why nothing else answers
)

// Route says what answers at one host. Only the fields of its Kind count.
type Route struct {
	Host   hostname.Name
	Kind   Kind
	Target netip.AddrPort // Service: address and port of the container
	Root   string         // Site: folder of a published version; its files never change
	To     string         // Redirect: absolute http or https URL; without a path, the visitor's path and query are kept
	Hold   HoldReason     // Held: why
	Title  string         // what people call it, shown on holding pages; empty = the host

	// Closed keeps the host closed to the public whatever its Kind: visitors see
	// the page ClosedUntilOwner. The agent opens it once the app has an owner.
	Closed bool
}

// handler makes what answers for the route; old is the previous entry of the
// same host, or nil, whose handler is kept when nothing about it changed.
func (g *Gateway) handler(r Route, old *entry) (http.Handler, error) {
	if old != nil && old.route == r && !old.failing {
		return old.handler, nil
	}
	if r.Closed {
		return g.holding(r, ClosedUntilOwner), nil
	}
	switch r.Kind {
	case Service:
		if !r.Target.IsValid() || r.Target.Port() == 0 {
			return nil, invalidRoute(r, "it has no address to send visitors to")
		}
		return g.proxy(r), nil
	case Site:
		root, err := os.OpenRoot(r.Root)
		if err != nil {
			return nil, invalidRoute(r, "the folder of the site cannot be opened", err)
		}
		return g.site(r, root), nil
	case Redirect:
		to, err := url.Parse(r.To)
		if err != nil || to.Host == "" || (to.Scheme != "http" && to.Scheme != "https") {
			return nil, invalidRoute(r, "the address that it leads to is not a full web address", err)
		}
		return redirectTo(to), nil
	case Held:
		if !holdReasons[r.Hold] {
			return nil, invalidRoute(r, "it does not say why it is closed")
		}
		return g.holding(r, r.Hold), nil
	default:
		return nil, invalidRoute(r, "it does not say what answers there")
	}
}

// invalidRoute makes the Problem for a route that cannot be used.
func invalidRoute(r Route, why string, cause ...error) error {
	p := &problem.Problem{
		Code: "route-invalid", Kind: problem.Invalid,
		What: "the front door cannot open " + string(r.Host), Why: why,
		Next: []string{"coopkit doctor", "remove the address and give it again"},
	}
	if len(cause) > 0 {
		p.Err = cause[0]
	}
	return p
}
