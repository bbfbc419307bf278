// SPDX-License-Identifier: AGPL-3.0-or-later

// Package reach decides how far an address of this box reaches, and remembers
// what was found about its name. It knows nothing of where its facts come from:
// the name is looked up by whoever gives it a Look. Its tests are a table of all
// facts, and a clock that jumps.
package reach

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
)

// Facts are what decides how far one address reaches.
type Facts struct {
	Host        string
	Serves      bool         // what answers there is wanted and works
	Listens     []netip.Addr // where the front door takes connections; none: nowhere
	NameServer  []netip.Addr // where the name server of this box does
	Addresses   []netip.Addr // to which the names of this box lead
	Found       Found
	Certificate appliance.Certificate
}

// Found is what was found about a name.
type Found struct {
	Host appliance.NameCheck
	Zone *appliance.ZoneCheck // of the zone of this box that contains it; nil: there is none
	At   time.Time            // zero: nothing was looked up yet
}

// Judge decides. The name is that which has to be switched over, if any.
func Judge(f Facts, now time.Time) (r appliance.Reach, name string) {
	c := f.Certificate
	switch {
	case !f.Serves, len(f.Listens) == 0, c.NotBefore.IsZero():
		return appliance.ReachClosed, ""
	case only(f.Listens, netip.Addr.IsLoopback), unregistrable(f.Host):
		return appliance.ReachInside, ""
	case f.Found.At.IsZero():
		return appliance.ReachUnknown, ""
	}
	if z := f.Found.Zone; z != nil {
		switch {
		case z.Unanswered:
			return appliance.ReachUnknown, ""
		case !delegated(*z) && len(f.NameServer) > 0 && only(f.NameServer, netip.Addr.IsLoopback):
			return appliance.ReachInside, "" // nobody else could ask it: that is meant
		case !delegated(*z):
			return appliance.ReachNotSwitched, z.Zone
		}
	}
	switch {
	case f.Found.Host.Unanswered || len(f.Found.Host.Want) == 0:
		return appliance.ReachUnknown, ""
	case !f.Found.Host.OK:
		return appliance.ReachNotSwitched, f.Host
	case only(f.Addresses, func(a netip.Addr) bool { return !public(a) }):
		return appliance.ReachInside, ""
	case c.Private, !c.NotAfter.After(now):
		return appliance.ReachWarned, ""
	default:
		return appliance.ReachOpen, ""
	}
}

// delegated reports whether the Internet asks this box for a zone; it may ask
// others, too.
func delegated(z appliance.ZoneCheck) bool {
	return slices.ContainsFunc(z.Found, func(ns string) bool { return slices.Contains(z.Want, ns) })
}

func only(addrs []netip.Addr, is func(netip.Addr) bool) bool {
	return !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !is(a) })
}

// carrierGrade is the space that providers put between themselves and their
// customers (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !carrierGrade.Contains(a)
}

// private are the names that nobody can register (RFC 6761, 6762, 8375, 9476
// and the Internet's reservation of .internal).
var private = []string{"internal", "local", "localhost", "test", "example", "invalid", "home.arpa", "alt", "lan"}

func unregistrable(host string) bool {
	return slices.ContainsFunc(private, func(end string) bool { return host == end || strings.HasSuffix(host, "."+end) })
}
