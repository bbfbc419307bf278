// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/names"
	"coopkit/appliance/reach"
	"coopkit/internal/hostname"
)

// Reach says of every address how far it reaches, by host.
func (b *backend) Reach(ctx context.Context, req appliance.AskReach) ([]appliance.AddressReach, error) {
	addresses, err := b.store.Addresses(ctx)
	if err != nil {
		return nil, err
	}
	zones, err := b.store.Zones(ctx)
	if err != nil {
		return nil, err
	}
	serves, err := b.serving(ctx)
	if err != nil {
		return nil, err
	}
	hosts := make(map[string]string, len(addresses))
	for _, a := range addresses {
		hosts[a.Host.String()] = zoneOf(zones, a.Host)
	}
	found := b.looker.Find(ctx, hosts, req.Fresh)
	certs := b.gateway.Certificates()
	facts := reach.Facts{Listens: b.doorAddrs(), NameServer: parsed(b.dns.Addrs()), Addresses: b.namesLead()}
	out := make([]appliance.AddressReach, len(addresses))
	for i, a := range addresses {
		f := facts
		f.Host, f.Found = a.Host.String(), found[a.Host.String()]
		f.Serves = serves(a)
		if k := slices.IndexFunc(certs, func(c appliance.Certificate) bool { return c.Host == f.Host }); k >= 0 {
			f.Certificate = certs[k]
		}
		out[i] = appliance.AddressReach{Host: a.Host, Kind: a.Kind, Install: a.Install, Looked: f.Found.At}
		out[i].Reach, out[i].Name = reach.Judge(f, time.Now())
		if in, err := b.store.Install(ctx, a.Install); a.Kind == appliance.ToService && err == nil {
			out[i].Stopped = in.Wanted == appliance.WantStopped
		}
	}
	return out, nil
}

// serving tells whether what answers at an address is wanted and works, as the
// engine and the checks last said.
func (b *backend) serving(ctx context.Context) (func(appliance.Address) bool, error) {
	all, err := b.apps.List(ctx)
	if err != nil {
		return nil, err
	}
	running := map[appliance.InstallName]bool{}
	for _, a := range all {
		running[a.Name] = a.Open && a.State == "running"
	}
	critical := map[string]bool{}
	for _, f := range b.health.Findings() {
		kind, name, _ := strings.Cut(f.Subject, ":")
		if name, _, _ = strings.Cut(name, "/"); f.Severity == appliance.Critical && (kind == "app" || f.Code == "NOT-SERVED") {
			critical[kind+":"+name] = true
		}
	}
	return func(a appliance.Address) bool {
		switch {
		case critical["host:"+a.Host.String()]:
			return false
		case a.Kind == appliance.ToService:
			return running[a.Install] && !critical["app:"+string(a.Install)]
		default:
			return true
		}
	}, nil
}

// reachOf is how far the address of a host reaches.
func reachOf(all []appliance.AddressReach, host hostname.Name) appliance.Reach {
	for _, a := range all {
		if a.Host == host {
			return a.Reach
		}
	}
	return appliance.ReachUnknown
}

// zoneOf is the zone of this box that contains a host; empty if there is none.
func zoneOf(zones []names.StoredZone, host hostname.Name) (best string) {
	for _, z := range zones {
		if host.Within(hostname.Name(z.Name)) && len(z.Name) > len(best) {
			best = z.Name
		}
	}
	return best
}

// doorAddrs are the addresses of the front door for HTTPS.
func (b *backend) doorAddrs() []netip.Addr {
	if a := b.gateway.Addrs().HTTPS; a != nil {
		return parsed([]string{a.String()})
	}
	return nil
}

// namesLead are the addresses to which the names of this box lead.
func (b *backend) namesLead() []netip.Addr {
	addrs, err := b.cfg.publicAddrs()
	if err != nil {
		return nil // the checks say what is wrong
	}
	return addrs
}

// parsed are the hosts of listening addresses.
func parsed(listening []string) []netip.Addr {
	var out []netip.Addr
	for _, s := range listening {
		if host, _, err := net.SplitHostPort(s); err == nil {
			if a, err := netip.ParseAddr(host); err == nil {
				out = append(out, a)
			}
		}
	}
	return out
}
