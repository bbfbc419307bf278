// SPDX-License-Identifier: AGPL-3.0-or-later

// Package hostnet reads which networks this machine is in or has routes to,
// so that no install gets a subnet that would hide one. It knows nothing of
// installs. It is apart from package engine so that planning stays pure; its
// test compares with the interfaces that the standard library sees.
package hostnet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// widest is the shortest prefix that counts as a place. Anything wider is a
// default route in disguise: VPNs split 0.0.0.0/0 into halves and quarters.
const widest = 8

// Subnets returns the IPv4 subnets of the machine's own addresses and of every
// route in every table, sorted, without default routes.
func Subnets() ([]netip.Prefix, error) {
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4,
		&netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var out []netip.Prefix
	for _, a := range addrs {
		out = add(out, a.IPNet)
	}
	for _, r := range routes {
		out = add(out, r.Dst)
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out), nil
}

func add(out []netip.Prefix, n *net.IPNet) []netip.Prefix {
	if n == nil {
		return out
	}
	a, ok := netip.AddrFromSlice(n.IP)
	if !ok {
		return out
	}
	bits, _ := n.Mask.Size()
	if bits < widest {
		return out
	}
	return append(out, netip.PrefixFrom(a.Unmap(), bits).Masked())
}
