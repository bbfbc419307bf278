// SPDX-License-Identifier: AGPL-3.0-or-later

package hostnet

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func at(addrs string) (out []netip.Addr) {
	for a := range strings.FieldsSeq(addrs) {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func TestChoose_whatTheWorldCanUseElseTheLocalNetwork(t *testing.T) {
	lo := card{name: "lo", real: true, addresses: at("127.0.0.1 ::1")}
	lan := card{name: "eth0", real: true, byDefault: true, addresses: at("192.168.1.20 fe80::1")}
	engine := card{name: "docker0", addresses: at("172.17.0.1")}
	network := card{name: "br-0123456789ab", addresses: at("10.213.0.1 2001:db8:d::1")}
	machines := card{name: "virbr0", addresses: at("192.168.122.1")}
	vpn := card{name: "wg0", addresses: at("10.8.0.2 fd00:8::2")}
	for name, c := range map[string]struct {
		cards []card
		want  string
		local bool
	}{
		"a server in a data centre":  {[]card{lo, {name: "eth0", real: true, byDefault: true, addresses: at("198.51.100.7 2001:db8::7 fe80::7")}, engine, network}, "198.51.100.7 2001:db8::7", false},
		"a box at home":              {[]card{lo, lan, engine, network, machines, vpn}, "192.168.1.20", true},
		"at home, with IPv6":         {[]card{lo, {name: "eth0", real: true, byDefault: true, addresses: at("192.168.1.20 2001:db8:1::20 fd00:1::20")}}, "2001:db8:1::20", false},
		"a public address by tunnel": {[]card{lo, lan, {name: "wg0", addresses: at("203.0.113.9")}}, "203.0.113.9", false},
		"behind a carrier's NAT":     {[]card{lo, {name: "wwan0", real: true, byDefault: true, addresses: at("100.72.1.2")}}, "100.72.1.2", true},
		"two local cards":            {[]card{lo, lan, {name: "eth1", real: true, addresses: at("10.0.0.1")}}, "192.168.1.20", true},
		"no way out":                 {[]card{lo, {name: "eth1", real: true, addresses: at("10.0.0.1")}, machines, vpn}, "10.0.0.1", true},
		"a bridge is its only card":  {[]card{lo, {name: "br-lan", addresses: at("192.168.8.1")}, engine}, "192.168.8.1", true},
		"no network":                 {[]card{lo, engine}, "", true},
	} {
		if got, local := choose(c.cards); !slices.Equal(got, at(c.want)) || local != c.local {
			t.Errorf("%s: %v, local %v; want %s, %v", name, got, local, c.want, c.local)
		}
	}
}

func TestLasting_leavesOutWhatChanges(t *testing.T) {
	four, six := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::7")
	for _, c := range []struct {
		addr  netip.Addr
		flags int
		want  bool
	}{
		{six, unix.IFA_F_PERMANENT, true},
		{six, unix.IFA_F_MANAGETEMPADDR | unix.IFA_F_NOPREFIXROUTE, true},
		{six, unix.IFA_F_TEMPORARY, false},
		{six, unix.IFA_F_DEPRECATED, false},
		{six, unix.IFA_F_TENTATIVE, false},
		{six, unix.IFA_F_DADFAILED, false},
		{four, unix.IFA_F_SECONDARY | unix.IFA_F_PERMANENT, true},
		{four, unix.IFA_F_DEPRECATED, false},
	} {
		if got := lasting(c.addr, c.flags); got != c.want {
			t.Errorf("%s with flags %#x: %v", c.addr, c.flags, got)
		}
	}
}

func TestEngineBridge_isWhatADockerEngineNames(t *testing.T) {
	for name, want := range map[string]bool{
		"docker0": true, "docker_gwbridge": true, "br-0123456789ab": true, "br0": false, "br-lan": false, "eth0": false,
	} {
		if got := engineBridge.MatchString(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAddresses_areOfThisMachine(t *testing.T) {
	addrs, _, err := Addresses()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if a.IsLoopback() || a.IsLinkLocalUnicast() || a.Is4In6() {
			t.Errorf("others cannot use %s", a)
		}
	}
}
