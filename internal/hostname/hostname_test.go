// SPDX-License-Identifier: AGPL-3.0-or-later

package hostname

import (
	"errors"
	"strings"
	"testing"

	"coopkit/internal/problem"
)

func TestParse_acceptsAndNormalises(t *testing.T) {
	for in, want := range map[string]Name{
		"www.demo.coop":    "www.demo.coop",
		"WWW.Demo.COOP.":   "www.demo.coop",
		" demo.coop\n":     "demo.coop",
		"bücher.example":   "xn--bcher-kva.example",
		"a-b.c1.example":   "a-b.c1.example",
		"xn--bcher-kva.eu": "xn--bcher-kva.eu",
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestParse_refusesWithARemedy(t *testing.T) {
	for _, in := range []string{
		"", ".", "demo", "demo coop", "https://demo.coop", "demo..coop", "-a.coop", "a-.coop",
		"192.0.2.7", "*.demo.coop", "a_b.coop", strings.Repeat("a", 64) + ".coop",
		strings.Repeat("abcdefg.", 40) + "coop", "demo.coop:443", "demo.\x00coop", "\xff.coop",
	} {
		_, err := Parse(in)
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || p.Code != "host-name-invalid" || p.Why == "" || len(p.Next) == 0 {
			t.Errorf("Parse(%q) gave %v; want a host-name-invalid Problem", in, err)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		n, zone Name
		want    bool
	}{{"demo.coop", "demo.coop", true}, {"a.demo.coop", "demo.coop", true}, {"xdemo.coop", "demo.coop", false}} {
		if got := c.n.Within(c.zone); got != c.want {
			t.Errorf("%s within %s = %v", c.n, c.zone, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"www.demo.coop", "BÜCHER.example.", "1.2.3.4", "a..b", "xn--a.coop"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(n.String())
		if err != nil || again != n {
			t.Fatalf("Parse(%q) = %q, but parsing that gives %q, %v", s, n, again, err)
		}
	})
}
