// SPDX-License-Identifier: AGPL-3.0-or-later

package dns

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/problem"
)

func TestNormalise_refuses(t *testing.T) {
	for title, c := range map[string]struct {
		change func(*Zone)
		in     string
	}{
		"no name server":               {func(z *Zone) { z.NS = nil }, "no name server"},
		"a name server without one":    {func(z *Zone) { z.NS = []string{"ns9.demo.coop"} }, "ns9.demo.coop has no address"},
		"a mailbox with an @":          {func(z *Zone) { z.SOA.Mailbox = "me@demo.coop" }, "me@demo.coop"},
		"a name not in its form":       {func(z *Zone) { z.Name = "Demo.coop" }, "Demo.coop"},
		"the zone as its name server":  {func(z *Zone) { z.NS = []string{"demo.coop"} }, "name of the zone"},
		"a record twice":               {add("www.demo.coop A 198.51.100.9"), "twice"},
		"two TTLs in a set":            {func(z *Zone) { z.Records = append(z.Records, Record{"www.demo.coop", "A", 60, "192.0.2.7"}) }, "same TTL"},
		"a CNAME beside another":       {add("www.demo.coop CNAME x.example."), "only record"},
		"two CNAMEs":                   {add("shop.demo.coop CNAME x.example."), "only record"},
		"a CNAME at the top":           {add("demo.coop CNAME x.example."), "top of a zone"},
		"out of the zone":              {add("www.xdemo.coop A 192.0.2.1"), "not in the zone"},
		"a delegated wildcard":         {add("*.demo.coop NS ns.example."), "wildcard"},
		"DS without NS":                {add("www.demo.coop DS 1 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"), "needs NS"},
		"TXT below a delegation":       {add("a.sub.demo.coop TXT x"), "delegated"},
		"delegation below another one": {add("a.sub.demo.coop NS x.example."), "delegated"},
	} {
		t.Run(title, func(t *testing.T) {
			z, _ := demoZone(t)
			c.change(&z)
			_, err := z.Normalise()
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || !strings.Contains(p.Error(), c.in) {
				t.Errorf("got %v; want one with %q", err, c.in)
			}
		})
	}
}

func add(line string) func(*Zone) {
	return func(z *Zone) {
		f := strings.SplitN(line, " ", 3)
		r, err := NewRecord(f[0], f[1], 300, f[2])
		if err != nil {
			panic(err) // a mistake in the table
		}
		z.Records = append(z.Records, r)
	}
}

func TestNormalise_leavesTheArgumentAlone(t *testing.T) {
	z := NewZone("demo.coop", today)
	z.Records = recs(t, "www.demo.coop A 192.0.2.1", "ns1.demo.coop A 192.0.2.1")
	before := fmt.Sprint(z)
	n, err := z.Normalise()
	if err != nil || fmt.Sprint(z) != before {
		t.Errorf("%v: changed to %v", err, z)
	}
	if n.Records[0].Name != "ns1.demo.coop" {
		t.Errorf("not in order: %v", n.Records)
	}
}

func TestZone_All(t *testing.T) {
	z := NewZone("demo.coop", today)
	z.Records = recs(t, "ns1.demo.coop A 192.0.2.1")
	var got []string
	for _, r := range z.All() {
		got = append(got, r.String())
	}
	if diff := cmp.Diff([]string{
		"demo.coop. 300 IN SOA ns1.demo.coop. hostmaster.demo.coop. 2026112301 3600 600 1209600 300",
		"demo.coop. 300 IN NS ns1.demo.coop.",
		"ns1.demo.coop. 300 IN A 192.0.2.1",
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestZone_AtAndRRset(t *testing.T) {
	z := NewZone("demo.coop", today)
	z.Records = recs(t, "ns1.demo.coop A 192.0.2.1", "a.demo.coop A 192.0.2.1", "a.demo.coop A 192.0.2.2", "a.demo.coop TXT x", "b.a.demo.coop A 192.0.2.3")
	z, err := z.Normalise()
	if err != nil {
		t.Fatal(err)
	}
	if got := z.At("a.demo.coop"); len(got) != 3 {
		t.Errorf("At: %v", got)
	}
	if got := z.RRset(Set{"a.demo.coop", "A"}); len(got) != 2 {
		t.Errorf("RRset: %v", got)
	}
	if got := append(z.At("none.demo.coop"), z.RRset(Set{"a.demo.coop", "MX"})...); len(got) != 0 {
		t.Errorf("found %v", got)
	}
}
