// SPDX-License-Identifier: AGPL-3.0-or-later

package engine_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"coopkit/appliance/engine"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

func prefixes(in ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range in {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestChooseSubnet(t *testing.T) {
	for _, c := range []struct {
		name        string
		pools, used []string
		bits        int
		want        string // empty: none
	}{
		{"first", []string{"10.213.0.0/16"}, nil, 27, "10.213.0.0/27"},
		{"after one in use", []string{"10.213.0.0/16"}, []string{"10.213.0.0/27"}, 27, "10.213.0.32/27"},
		{"between two", []string{"10.213.0.0/16"}, []string{"10.213.0.0/27", "10.213.0.64/27"}, 27, "10.213.0.32/27"},
		{"behind a wide one", []string{"10.213.0.0/16"}, []string{"10.213.0.0/20"}, 27, "10.213.16.0/27"},
		{"beside one host", []string{"10.213.0.0/16"}, []string{"10.213.0.7/32"}, 27, "10.213.0.32/27"},
		{"next pool", []string{"10.213.0.0/16", "172.30.0.0/16"}, []string{"10.0.0.0/8"}, 27, "172.30.0.0/27"},
		{"not masked", []string{"10.213.0.9/16"}, []string{"10.213.0.5/27"}, 27, "10.213.0.32/27"},
		{"IPv6 in use", []string{"10.213.0.0/16"}, []string{"fd00::/8"}, 27, "10.213.0.0/27"},
		{"the last one", []string{"192.168.208.0/26"}, []string{"192.168.208.0/27"}, 27, "192.168.208.32/27"},
		{"all in use", []string{"192.168.208.0/26"}, []string{"192.168.208.0/24"}, 27, ""},
		{"end of all addresses", []string{"255.255.255.0/24"}, []string{"255.255.255.0/24"}, 27, ""},
		{"pool too small", []string{"192.168.208.0/28"}, nil, 27, ""},
		{"IPv6 pool", []string{"fd00::/8"}, nil, 27, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := engine.ChooseSubnet(prefixes(c.pools...), c.bits, prefixes(c.used...))
			if c.want == "" {
				if !errors.Is(err, &problem.Problem{Code: "no-free-subnet"}) {
					t.Fatalf("got %v, %v; want no-free-subnet", got, err)
				}
				return
			}
			if err != nil || got.String() != c.want {
				t.Fatalf("got %v, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestDefaultPools_arePrivateAndDoNotOverlap(t *testing.T) {
	pools := engine.DefaultPools()
	for i, p := range pools {
		if !p.Addr().IsPrivate() || p != p.Masked() {
			t.Errorf("%v is not a private range", p)
		}
		for _, q := range pools[i+1:] {
			if p.Overlaps(q) {
				t.Errorf("%v and %v overlap", p, q)
			}
		}
	}
}

func TestAssignAddresses_sameNamesSameAddresses(t *testing.T) {
	subnet := netip.MustParsePrefix("10.213.0.32/27")
	for _, order := range [][]string{{"web", "db", "cache"}, {"cache", "web", "db"}} {
		services := named(order...)
		if _, err := engine.AssignAddresses(subnet, services, nil); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, s := range services {
			got[s.Name] = s.Address.String()
		}
		if fmt.Sprint(got) != "map[cache:10.213.0.34 db:10.213.0.35 web:10.213.0.36]" {
			t.Errorf("%v gave %v", order, got)
		}
	}
}

func TestAssignAddresses_asManyAsThereAre(t *testing.T) {
	subnet := netip.MustParsePrefix("10.213.0.0/27")
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("s%02d", i))
	}
	full := named(names[:29]...)
	if _, err := engine.AssignAddresses(subnet, full, nil); err != nil || full[28].Address.String() != "10.213.0.30" {
		t.Errorf("29 services: %v, the last at %v", err, full[28].Address)
	}
	if _, err := engine.AssignAddresses(subnet, named(names...), nil); !errors.Is(err, &problem.Problem{Code: "services-invalid"}) {
		t.Errorf("30 services: %v", err)
	}
}

// TestAssignAddresses_moveNobody: a service that comes later sorts before the
// others, and they stay where they are.
func TestAssignAddresses_moveNobody(t *testing.T) {
	subnet := netip.MustParsePrefix("10.213.0.0/27")
	places, err := engine.AssignAddresses(subnet, named("web", "db"), nil)
	if fmt.Sprint(places) != "map[db:2 web:3]" || err != nil {
		t.Fatalf("places %v, %v", places, err)
	}
	services := named("cache", "web", "db", "search")
	given, err := engine.AssignAddresses(subnet, services, places)
	var got []string
	for _, s := range services {
		got = append(got, s.Name+" "+s.Address.String())
	}
	want := "[cache 10.213.0.4 web 10.213.0.3 db 10.213.0.2 search 10.213.0.5]"
	if fmt.Sprint(got) != want || fmt.Sprint(given) != "map[cache:4 search:5]" || err != nil {
		t.Errorf("with more services: %v, given %v, %v", got, given, err)
	}
	places["web"] = 31 // as only damage can
	if _, err := engine.AssignAddresses(subnet, named("web"), places); !errors.Is(err, &problem.Problem{Code: "services-invalid"}) {
		t.Errorf("an address outside the network: %v", err)
	}
}

func named(names ...string) []engine.Service {
	out := make([]engine.Service, len(names))
	for i, n := range names {
		out[i].Service = recipes.Service{Name: n}
	}
	return out
}
