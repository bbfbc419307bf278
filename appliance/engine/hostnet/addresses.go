// SPDX-License-Identifier: AGPL-3.0-or-later

package hostnet

import (
	"fmt"
	"net/netip"
	"regexp"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// card is a network card with its addresses, as the choice sees it.
type card struct {
	name      string
	real      bool // a device, not a bridge, tunnel or the like
	byDefault bool // a default route leads over it
	addresses []netip.Addr
}

// engineBridge matches the names that a Docker Engine gives to its bridges.
var engineBridge = regexp.MustCompile(`^(docker0|docker_gwbridge|br-[0-9a-f]{12})$`)

// carrierGrade is the space that providers put between themselves and their
// customers (RFC 6598): nobody outside can reach it.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// Addresses returns the addresses at which others find this machine: those
// that the whole Internet can use, or, when there are none, those of the local
// network, and then local is true. Temporary IPv6 addresses and those of the
// engine's networks, of virtual machines and of split tunnels are left out.
func Addresses() (addrs []netip.Addr, local bool, err error) {
	cards, err := read()
	if err != nil {
		return nil, false, err
	}
	addrs, local = choose(cards)
	return addrs, local, nil
}

// Local returns the addresses at which the local network finds this machine.
func Local() ([]netip.Addr, error) {
	cards, err := read()
	if err != nil {
		return nil, err
	}
	return localOf(cards), nil
}

func choose(cards []card) (addrs []netip.Addr, local bool) {
	for _, c := range cards {
		for _, a := range c.addresses {
			if !engineBridge.MatchString(c.name) && public(a) {
				addrs = append(addrs, a)
			}
		}
	}
	if len(addrs) > 0 {
		return addrs, false
	}
	return localOf(cards), true
}

// localOf takes the cards over which this machine finds the rest of the world,
// since the others around it are there; without any, its devices, and without
// those all cards.
func localOf(cards []card) []netip.Addr {
	for _, suits := range []func(card) bool{
		func(c card) bool { return c.byDefault },
		func(c card) bool { return c.real },
		func(card) bool { return true },
	} {
		var out []netip.Addr
		for _, c := range cards {
			if engineBridge.MatchString(c.name) || !suits(c) {
				continue
			}
			for _, a := range c.addresses {
				if a.IsGlobalUnicast() && !public(a) {
					out = append(out, a)
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !carrierGrade.Contains(a)
}

// read asks the kernel.
func read() ([]card, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list network cards: %w", err)
	}
	defaults, err := defaultRoutes()
	if err != nil {
		return nil, err
	}
	var cards []card
	for _, l := range links {
		c := card{name: l.Attrs().Name, real: l.Type() == "device", byDefault: defaults[l.Attrs().Index]}
		all, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			return nil, fmt.Errorf("list addresses of network card %s: %w", c.name, err)
		}
		for _, a := range all {
			if addr, ok := netip.AddrFromSlice(a.IP); ok && lasting(addr.Unmap(), a.Flags) {
				c.addresses = append(c.addresses, addr.Unmap())
			}
		}
		cards = append(cards, c)
	}
	return cards, nil
}

// lasting reports whether an address with these flags (linux/if_addr.h) is one
// at which others can go on finding this machine: not deprecated, known to be
// free, and not one that IPv6 makes for a day, to ask others from (RFC 8981).
func lasting(a netip.Addr, flags int) bool {
	bad := unix.IFA_F_DEPRECATED | unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED
	if a.Is6() { // of IPv4 the same bit says "secondary"
		bad |= unix.IFA_F_TEMPORARY
	}
	return flags&bad == 0
}

// defaultRoutes returns the numbers of the cards over which a default route
// leads, in the main table.
func defaultRoutes() (map[int]bool, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	found := map[int]bool{}
	for _, r := range routes {
		if r.Dst != nil {
			if bits, _ := r.Dst.Mask.Size(); bits > 0 {
				continue
			}
		}
		found[r.LinkIndex] = true
		for _, hop := range r.MultiPath {
			found[hop.LinkIndex] = true
		}
	}
	return found, nil
}
