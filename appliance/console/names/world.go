// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/hostname"
)

// lookLimit is how long a page waits for the answers of name servers.
const lookLimit = 4 * time.Second

// world is what a page needs to know, asked of the agent at once.
type world struct {
	zones []appliance.Zone
	uses  []use
	certs []appliance.Certificate
	reach []appliance.AddressReach
	dns   bool // this box can answer for names
}

// use is an address in use on this box, and by whom.
type use struct {
	Host   string
	Kind   string // app, site or redirect
	Title  string // of the app
	Href   string // its page; empty for redirects
	Target string // of a redirect
}

func (n *names) world(ctx context.Context) (w world, err error) {
	if w.zones, err = n.Box.Names.Zones(ctx); err != nil {
		return w, err
	}
	if w.uses, err = n.uses(ctx); err != nil {
		return w, err
	}
	if w.certs, err = n.Box.Box.Certificates(ctx); err != nil {
		return w, err
	}
	if w.reach, err = n.Box.Box.Reach(ctx, appliance.AskReach{Fresh: true}); err != nil {
		return w, err
	}
	status, err := n.Box.Box.Status(ctx)
	w.dns = status.DNS != ""
	return w, err
}

func (n *names) uses(ctx context.Context) ([]use, error) {
	apps, err := n.Box.Apps.List(ctx)
	if err != nil {
		return nil, err
	}
	sites, err := n.Box.Sites.List(ctx)
	if err != nil {
		return nil, err
	}
	redirects, err := n.Box.Redirects.List(ctx)
	if err != nil {
		return nil, err
	}
	var all []use
	for _, a := range apps {
		for _, h := range a.Addresses {
			all = append(all, use{Host: string(h), Kind: "app", Title: a.Title, Href: "/apps/" + string(a.Name)})
		}
	}
	for _, s := range sites {
		all = append(all, use{Host: string(s.Host), Kind: "site", Href: "/sites/" + string(s.Host)})
	}
	for _, a := range redirects {
		all = append(all, use{Host: string(a.Host), Kind: "redirect", Target: a.Target})
	}
	slices.SortFunc(all, func(a, b use) int { return strings.Compare(a.Host, b.Host) })
	return all, nil
}

// zoneOf returns the zone of this box that contains host.
func (w world) zoneOf(host string) (appliance.Zone, bool) {
	var best appliance.Zone
	for _, z := range w.zones {
		if within(host, z.Zone) && len(z.Zone) > len(best.Zone) {
			best = z
		}
	}
	return best, best.Zone != ""
}

// below returns the uses at name and below it.
func (w world) below(name string) []use {
	var some []use
	for _, u := range w.uses {
		if within(u.Host, name) {
			some = append(some, u)
		}
	}
	return some
}

func within(host, zone string) bool { return hostname.Name(host).Within(hostname.Name(zone)) }

// appTitle is what people call an install.
func (w world) appTitle(name appliance.InstallName) string {
	for _, u := range w.uses {
		if u.Href == "/apps/"+string(name) {
			return u.Title
		}
	}
	return string(name)
}

// looked is the result of looking a host up; Unanswered also when the agent
// could not try.
type looked = appliance.NameCheck

// seen is what was found about hosts and zones.
type seen struct {
	hosts map[string]looked
	zones map[string]appliance.ZoneCheck
}

// look looks hosts and zones up, all at the same time.
func (n *names) look(ctx context.Context, uses []use, zones ...string) seen {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	f := seen{map[string]looked{}, map[string]appliance.ZoneCheck{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, h := range hosts(uses) {
		wg.Go(func() {
			c, err := n.Box.Names.Check(ctx, h)
			if err != nil {
				c = looked{Host: h, Unanswered: true}
			}
			mu.Lock()
			defer mu.Unlock()
			f.hosts[h] = c
		})
	}
	for _, z := range zones {
		wg.Go(func() {
			c, err := n.Box.Names.CheckZone(ctx, z)
			if err != nil {
				c = appliance.ZoneCheck{Zone: z, Unanswered: true}
			}
			mu.Lock()
			defer mu.Unlock()
			f.zones[z] = c
		})
	}
	wg.Wait()
	return f
}

// hosts are those of uses, each once.
func hosts(uses []use) []string {
	var out []string
	for _, u := range uses {
		out = append(out, u.Host)
	}
	return slices.Compact(out)
}
