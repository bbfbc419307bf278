// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver

import (
	"errors"
	"net/netip"
	"testing"
)

func TestCheck_letsTheLocalNetworkThrough(t *testing.T) {
	own := func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("192.168.1.10")}, nil }
	for addr, allowed := range map[string]bool{
		"192.168.1.20": true, "10.0.0.5": true, "172.16.3.4": true, "fd12::7": true, "203.0.113.9": true, "2001:db8::1": true,
		"192.168.1.10": false, "::ffff:192.168.1.10": false, "64:ff9b::c0a8:10a": false, "127.0.0.1": false, "::1": false, "169.254.169.254": false,
		"fe80::1": false, "fd00:ec2::254": false, "0.0.0.0": false, "0.1.2.3": false, "224.0.0.1": false, "ff02::1": false, "255.255.255.255": false,
	} {
		if err := check(netip.MustParseAddr(addr), own); (err == nil) != allowed {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if check(netip.MustParseAddr("10.0.0.5"), func() ([]netip.Addr, error) { return nil, errors.New("no cards") }) == nil {
		t.Error("a machine that does not know its addresses reaches any")
	}
}
