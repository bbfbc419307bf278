// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/apps"
	"coopkit/appliance/gateway"
	"coopkit/appliance/jobs"
	"coopkit/appliance/store"
	"coopkit/internal/hostname"
)

// door computes the routes of the gateway from the store, whole, each time: it
// is level-triggered, so nothing is lost when a change is missed.
type door struct {
	gateway   *gateway.Gateway
	store     *store.Store
	endpoints func(ctx context.Context) ([]apps.Endpoint, error)
	inside    func(ctx context.Context) ([]netip.Addr, error)
	siteRoot  func(host hostname.Name) (dir string, ok bool)
	port      int
	report    func(closed []appliance.Trouble) // told what shows a holding page because of a fault; none: nothing does

	mu   sync.Mutex // one refresh at a time, so that an old table never replaces a newer one
	last []gateway.Route
}

// URL is where visitors reach host.
func (d *door) URL(host hostname.Name) string {
	if d.port == 443 {
		return "https://" + host.String()
	}
	return "https://" + host.String() + ":" + strconv.Itoa(d.port)
}

// WaitCertificate waits until host has a certificate.
func (d *door) WaitCertificate(ctx context.Context, host hostname.Name) error {
	if err := d.gateway.WaitCertificate(ctx, host); err != nil {
		return err
	}
	for _, c := range d.gateway.Certificates() {
		if c.Host == host.String() {
			jobs.AddFact(ctx, appliance.FactCertificate, "host", c.Host, "issuer", c.Issuer, "ends_at", c.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// Refresh puts the routes in force that the store asks for. A route that cannot
// be used becomes a holding page and is reported; the others are served, and it
// is tried anew at the next refresh.
func (d *door) Refresh(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if addrs, err := d.inside(ctx); err == nil { // whoever cannot read them reads no routes either
		d.gateway.SetInside(addrs) //nolint:contextcheck // opening a socket does not wait
	}
	d.introduce(ctx)
	routes, closed, err := d.routes(ctx)
	if err != nil {
		return err
	}
	if sameRoutes(routes, d.last) {
		d.report(closed)
		return nil
	}
	d.last = routes
	for _, bad := range d.gateway.SetRoutes(routes) { //nolint:contextcheck // certificates outlive the caller
		closed = append(closed, appliance.Trouble{Kind: appliance.TroubleAddress, Name: bad.Route.Host.String(), Err: bad.Err})
		d.last = nil
	}
	d.report(closed)
	return nil
}

// introduce tells the gateway in whose name its own pages speak. Whoever cannot
// read it keeps what it was.
func (d *door) introduce(ctx context.Context) {
	if set, err := d.store.Settings(ctx); err == nil {
		d.gateway.SetHost(gateway.Host{Coop: set["coop"], Language: set["language"], Contact: appliance.Contact(set["contact"])})
	}
}

// routes are the routes that the store asks for, and what of them is closed
// because of a fault.
func (d *door) routes(ctx context.Context) (routes []gateway.Route, closed []appliance.Trouble, err error) {
	routes = []gateway.Route{} // not nil: the first refresh always counts
	ends, err := d.endpoints(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range ends {
		routes = append(routes, appRoute(e))
		if e.Err != nil {
			closed = append(closed, appliance.Trouble{Kind: appliance.TroubleApp, Name: string(e.Install), Title: e.Title, Err: e.Err})
		}
	}
	addresses, err := d.store.Addresses(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range addresses {
		switch a.Kind {
		case appliance.ToRedirect:
			routes = append(routes, gateway.Route{Host: a.Host, Kind: gateway.Redirect, To: a.Target})
		case appliance.ToSite:
			dir, ok := d.siteRoot(a.Host)
			if !ok {
				continue
			}
			r := gateway.Route{Host: a.Host, Kind: gateway.Site, Root: dir}
			if _, err := os.Stat(dir); err != nil { // also of one that is served: its files are gone
				r.Kind, r.Hold = gateway.Held, gateway.Failing
				closed = append(closed, appliance.Trouble{Kind: appliance.TroubleSite, Name: a.Host.String(), Err: err})
			}
			routes = append(routes, r)
		case appliance.ToService: // came with the endpoints
		}
	}
	return routes, closed, nil
}

// appRoute is the route of one web service of an install.
func appRoute(e apps.Endpoint) gateway.Route {
	r := gateway.Route{Host: e.Host, Kind: gateway.Service, Target: e.Target, Title: e.Title, Closed: !e.Open}
	switch {
	case e.Err != nil:
		r.Kind, r.Hold = gateway.Held, gateway.Failing
	case e.Stopped:
		r.Kind, r.Hold = gateway.Held, gateway.Stopped
	case !e.Target.IsValid():
		r.Kind, r.Hold = gateway.Held, gateway.Starting
	}
	return r
}

func sameRoutes(a, b []gateway.Route) bool {
	if a == nil || b == nil || len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
