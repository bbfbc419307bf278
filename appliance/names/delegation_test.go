// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
)

func TestCheckZone_comparesWithWhatTheWorldIsTold(t *testing.T) {
	b := newBox(t).withZone(t)
	var found []string
	var fails error
	b.d.LookUpNS = func(_ context.Context, zone string) ([]string, error) {
		if zone != "demo.example" {
			t.Errorf("asked for %s", zone)
		}
		return found, fails
	}
	for _, c := range []struct {
		name  string
		found []string
		fails error
		want  appliance.ZoneCheck
	}{
		{name: "delegated", found: []string{"NS1.demo.example."}, want: appliance.ZoneCheck{Found: []string{"ns1.demo.example"}, OK: true}},
		{name: "not registered", want: appliance.ZoneCheck{Found: []string{}}},
		{name: "elsewhere", found: []string{"b.other.example.", "a.other.example."}, want: appliance.ZoneCheck{Found: []string{"a.other.example", "b.other.example"}}},
		{name: "no Internet", fails: errors.New("network is down"), want: appliance.ZoneCheck{Found: []string{}, Unanswered: true}},
	} {
		found, fails = c.found, c.fails
		c.want.Zone, c.want.Want = "demo.example", []string{"ns1.demo.example"}
		got, err := b.CheckZone(t.Context(), "demo.example")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	_, err := b.CheckZone(t.Context(), "other.example")
	wantCode(t, err, "no-such-zone")
}

func TestCheck_tellsNoAnswerFromNoAddress(t *testing.T) {
	b := newBox(t)
	b.d.LookUp = func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("network is down") }
	if c, err := b.Check(t.Context(), "www.other.example"); err != nil || c.OK || !c.Unanswered {
		t.Errorf("without Internet: %+v, %v", c, err)
	}
	b.d.LookUp = func(context.Context, string) ([]netip.Addr, error) { return nil, nil }
	if c, err := b.Check(t.Context(), "www.other.example"); err != nil || c.OK || c.Unanswered {
		t.Errorf("without the name: %+v, %v", c, err)
	}
}
