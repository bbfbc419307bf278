// SPDX-License-Identifier: AGPL-3.0-or-later

package engine

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"coopkit/internal/problem"
)

// SubnetBits is the prefix length of an install's network: 29 services.
const SubnetBits = 27

// DefaultPools are the private ranges (RFC 1918) from which installs get their
// subnets, in order of preference: parts that home routers, offices and the
// engine's own defaults seldom use. Together they hold thousands of installs.
func DefaultPools() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.213.0.0/16"),
		netip.MustParsePrefix("10.87.0.0/16"),
		netip.MustParsePrefix("172.30.0.0/16"),
		netip.MustParsePrefix("192.168.208.0/20"),
		netip.MustParsePrefix("172.22.0.0/16"),
		netip.MustParsePrefix("10.142.0.0/16"),
	}
}

// ChooseSubnet returns the first IPv4 subnet of the given prefix length in the
// pools that overlaps nothing in used. Give it the engine's subnets and the
// host's (hostnet.Subnets), so that it never hides a place that the host or
// its LAN can reach. When all is taken it returns a Problem "no-free-subnet".
func ChooseSubnet(pools []netip.Prefix, bits int, used []netip.Prefix) (netip.Prefix, error) {
	for _, pool := range pools {
		if s, ok := firstFree(pool.Masked(), bits, used); ok {
			return s, nil
		}
	}
	names := make([]string, len(pools))
	for i, p := range pools {
		names[i] = p.String()
	}
	return netip.Prefix{}, &problem.Problem{
		Code: "no-free-subnet", Kind: problem.Conflict,
		What: "there is no free network address range for this app",
		Why:  "all of " + strings.Join(names, ", ") + " is used by this machine, its routes or other containers",
		Next: []string{"docker network ls, and remove networks that nothing uses", "ip route, and look for a very wide route such as 10.0.0.0/8"},
	}
}

// firstFree walks the pool; behind an overlap it goes on where the wider of
// the two ends, so a /8 pool is no slower than a /16.
func firstFree(pool netip.Prefix, bits int, used []netip.Prefix) (netip.Prefix, bool) {
	if !pool.Addr().Is4() || bits < pool.Bits() || bits > 30 {
		return netip.Prefix{}, false
	}
	end := last(pool)
	for at := uint64(first(pool)); at <= end; {
		s := netip.PrefixFrom(addr4(uint32(at)), bits) //nolint:gosec // at ≤ end, which fits
		i := slices.IndexFunc(used, s.Overlaps)
		if i < 0 {
			return s, true
		}
		at = max(last(s), last(used[i].Masked())) + 1
	}
	return netip.Prefix{}, false
}

// AssignAddresses gives each service a fixed address of subnet, in place: the
// one at its number in places, and a service that has none there the lowest
// free one, by sorted name. It returns the numbers that it gave; who records
// them moves nobody when services come later. The gateway has the number 1.
// More services than addresses give a Problem.
func AssignAddresses(subnet netip.Prefix, services []Service, places map[string]int) (given map[string]int, err error) {
	taken := map[int]bool{}
	for _, number := range places {
		taken[number] = true
	}
	byName := make([]*Service, len(services))
	for i := range services {
		byName[i] = &services[i]
	}
	slices.SortFunc(byName, func(a, b *Service) int { return strings.Compare(a.Name, b.Name) })
	given = map[string]int{}
	free := 2
	for _, s := range byName {
		number, ok := places[s.Name]
		if !ok {
			for taken[free] {
				free++
			}
			number, taken[free] = free, true
			given[s.Name] = number
		}
		if s.Address = nth(subnet, number); !usable(subnet, s.Address) {
			return nil, specInvalid("there are more services than addresses in " + subnet.String())
		}
	}
	return given, nil
}

// nth is the address with a number in a subnet, counted from the network's own.
func nth(subnet netip.Prefix, number int) netip.Addr {
	return addr4(first(subnet.Masked()) + uint32(number)) //nolint:gosec // a small number; usable says whether it is within
}

// Gateway is the host's own address in an install's network: the first one.
func Gateway(subnet netip.Prefix) netip.Addr { return subnet.Masked().Addr().Next() }

// usable reports whether a container may have the address: not the network's
// own, the gateway's or the broadcast address.
func usable(subnet netip.Prefix, a netip.Addr) bool {
	return a.Is4() && subnet.Contains(a) && Gateway(subnet).Less(a) && uint64(number(a)) < last(subnet.Masked())
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func addr4(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

func first(p netip.Prefix) uint32 { return number(p.Addr()) }

// last returns the last address of p as a number, wide enough to add to.
func last(p netip.Prefix) uint64 {
	return uint64(first(p)) + 1<<(32-p.Bits()) - 1
}
