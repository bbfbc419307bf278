// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"coopkit/internal/hostname"
)

// table is an immutable set of routes; the gateway swaps a pointer to it.
type table struct{ hosts map[string]*entry }

// entry is one host of the table.
type entry struct {
	route   Route
	handler http.Handler
	failing bool // the route cannot be used: handler says so
}

// build makes the next table, keeping the handlers of unchanged routes. A route
// that cannot be used leads to the page Failing, or nowhere when its name is no
// host name; of two for one name the first counts.
func (g *Gateway) build(routes []Route) (*table, []BadRoute) {
	now := g.table.Load()
	next := &table{hosts: make(map[string]*entry, len(routes))}
	var bad []BadRoute
	for _, r := range routes {
		if name, err := hostname.Parse(string(r.Host)); err != nil || name != r.Host {
			bad = append(bad, BadRoute{r, invalidRoute(r, "the name is not a host name in its normal form", err)})
			continue
		}
		if next.hosts[string(r.Host)] != nil {
			bad = append(bad, BadRoute{r, invalidRoute(r, "two things want to answer at this name")})
			continue
		}
		h, err := g.handler(r, now.hosts[string(r.Host)])
		if err != nil {
			bad = append(bad, BadRoute{r, err})
			h = g.holding(r, Failing)
		}
		next.hosts[string(r.Host)] = &entry{route: r, handler: h, failing: err != nil}
	}
	return next, append(bad, g.closeCircles(next)...)
}

// closeCircles shows a page where redirects lead back to themselves, which
// browsers would follow until they give up.
func (g *Gateway) closeCircles(t *table) (bad []BadRoute) {
	for _, host := range t.names() {
		e := t.hosts[string(host)]
		if e.route.Kind == Redirect && g.circles(t, e.route) {
			bad = append(bad, BadRoute{e.route, invalidRoute(e.route, "it leads back to itself")})
			e.handler, e.failing = g.holding(e.route, circular), true
		}
	}
	return bad
}

// circles follows a redirect over the names of this door.
func (g *Gateway) circles(t *table, r Route) bool {
	seen := map[hostname.Name]bool{}
	for r.Kind == Redirect && !r.Closed && !seen[r.Host] {
		seen[r.Host] = true
		to, err := url.Parse(r.To)
		if err != nil || !g.leadsHere(to) {
			return false
		}
		next := t.lookup(to.Hostname())
		if next == nil {
			return false
		}
		r = next.route
	}
	return seen[r.Host]
}

// leadsHere reports whether a URL is that of this front door, whatever its
// host: plain HTTP at its usual port leads here too.
func (g *Gateway) leadsHere(to *url.URL) bool {
	switch port := to.Port(); to.Scheme {
	case "https":
		return port == strconv.Itoa(g.publicPort) || port == "" && g.publicPort == 443
	default:
		return port == "" || port == "80"
	}
}

// lookup finds the entry for a Host header or SNI name: port, final dot and
// case do not matter. It does not allocate for hosts written the usual way.
func (t *table) lookup(host string) *entry {
	if e := t.hosts[host]; e != nil {
		return e
	}
	return t.hosts[bareHost(host)]
}

// bareHost returns host in lower case without port and final dot. Whatever is
// not a host name is returned in some form that is in no table.
func bareHost(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if strings.Trim(host[i+1:], "0123456789") != "" || strings.IndexByte(host[:i], ':') >= 0 {
			return "" // no port, or an IPv6 address: never a name
		}
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// names returns the hosts, sorted.
func (t *table) names() []hostname.Name {
	names := make([]hostname.Name, 0, len(t.hosts))
	for _, e := range t.hosts {
		names = append(names, e.route.Host)
	}
	slices.Sort(names)
	return names
}

// targets returns the service addresses in use.
func (t *table) targets() map[netip.AddrPort]bool {
	targets := make(map[netip.AddrPort]bool)
	for _, e := range t.hosts {
		if e.route.Kind == Service && !e.route.Closed && !e.failing {
			targets[e.route.Target] = true
		}
	}
	return targets
}
