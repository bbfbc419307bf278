// SPDX-License-Identifier: AGPL-3.0-or-later

package hostnet

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

func TestSubnets_hasEveryNetworkOfThisMachine(t *testing.T) {
	got, err := Subnets()
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().Is4() {
			continue
		}
		if !slices.ContainsFunc(got, p.Overlaps) {
			t.Errorf("%v is missing in %v", p, got)
		}
	}
}

func TestSubnets_hasNoDefaultRoute(t *testing.T) {
	got, err := Subnets()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got {
		if p.Bits() < widest || p != p.Masked() {
			t.Errorf("%v is not a place", p)
		}
	}
}

func TestAdd_dropsWhatIsNoPlace(t *testing.T) {
	_, half, _ := net.ParseCIDR("128.0.0.0/1")
	_, lan, _ := net.ParseCIDR("192.0.2.0/24")
	if got := add(add(add(nil, nil), half), lan); len(got) != 1 || got[0].String() != "192.0.2.0/24" {
		t.Errorf("got %v", got)
	}
}
