// SPDX-License-Identifier: AGPL-3.0-or-later

package dns

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/problem"
)

var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// rec reads "name type data"; the TTL is 300.
func rec(tb testing.TB, line string) Record {
	tb.Helper()
	f := strings.SplitN(line, " ", 3)
	r, err := NewRecord(f[0], f[1], 300, f[2])
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func recs(tb testing.TB, lines ...string) []Record {
	tb.Helper()
	var out []Record
	for _, l := range lines {
		out = append(out, rec(tb, l))
	}
	return out
}

// demoZone has records of ours and of others.
func demoZone(tb testing.TB) (Zone, Ledger) {
	tb.Helper()
	z := NewZone("demo.coop", today)
	ours := recs(tb, "ns1.demo.coop A 192.0.2.1", "wiki.demo.coop A 192.0.2.1")
	z.Records = append(recs(tb,
		"www.demo.coop A 198.51.100.9", "shop.demo.coop CNAME shop.example.", "demo.coop TXT hello",
		"sub.demo.coop NS ns.example.", "mail.demo.coop A 198.51.100.8",
	), ours...)
	z, err := z.Normalise()
	if err != nil {
		tb.Fatal(err)
	}
	return z, Ledger{ours[0].ID(): "zone", ours[1].ID(): "app:wiki"}
}

func TestPlan(t *testing.T) {
	for title, c := range map[string]struct {
		owner       string
		add, remove []string
		want        []string // lines
		code        string   // of the Problem
		in          string   // must be in it
	}{
		"new name":                      {"app:x", []string{"new.demo.coop A 192.0.2.1"}, nil, []string{"create new.demo.coop: →300 A 192.0.2.1"}, "", ""},
		"there already, ours":           {"app:wiki", []string{"wiki.demo.coop A 192.0.2.1"}, nil, []string{"keep wiki.demo.coop: 300 A 192.0.2.1→300 A 192.0.2.1"}, "", ""},
		"there already, theirs":         {"app:x", []string{"www.demo.coop A 198.51.100.9"}, nil, []string{"keep www.demo.coop: 300 A 198.51.100.9→300 A 198.51.100.9"}, "", ""},
		"replaced":                      {"app:wiki", []string{"wiki.demo.coop A 192.0.2.2"}, []string{"wiki.demo.coop A 192.0.2.1"}, []string{"change wiki.demo.coop: 300 A 192.0.2.1→300 A 192.0.2.2"}, "", ""},
		"a second value, ours":          {"app:wiki", []string{"wiki.demo.coop A 192.0.2.2"}, nil, []string{"create wiki.demo.coop: →300 A 192.0.2.2"}, "", ""},
		"another type beside theirs":    {"acme", []string{"www.demo.coop TXT proof"}, nil, []string{`create www.demo.coop: →300 TXT "proof"`}, "", ""},
		"removed":                       {"app:wiki", nil, []string{"wiki.demo.coop A 192.0.2.1"}, []string{"remove wiki.demo.coop: 300 A 192.0.2.1→"}, "", ""},
		"removed, not there":            {"app:wiki", nil, []string{"nope.demo.coop A 192.0.2.1"}, nil, "", ""},
		"asked twice":                   {"app:x", []string{"new.demo.coop A 192.0.2.1", "new.demo.coop A 192.0.2.1"}, nil, []string{"create new.demo.coop: →300 A 192.0.2.1"}, "", ""},
		"theirs in the way":             {"app:x", []string{"www.demo.coop A 192.0.2.1"}, nil, nil, "record-in-the-way", "198.51.100.9"},
		"other owner's in the way":      {"app:x", []string{"wiki.demo.coop A 192.0.2.9"}, nil, nil, "record-in-the-way", "app:wiki"},
		"their CNAME in the way":        {"app:x", []string{"shop.demo.coop A 192.0.2.1"}, nil, nil, "record-in-the-way", "CNAME shop.example."},
		"a CNAME beside other records":  {"app:x", []string{"www.demo.coop CNAME demo.coop."}, nil, nil, "record-in-the-way", "198.51.100.9"},
		"a CNAME beside our own record": {"app:wiki", []string{"wiki.demo.coop CNAME demo.coop."}, nil, nil, "record-in-the-way", "192.0.2.1"},
		"our record becomes a CNAME":    {"app:wiki", []string{"wiki.demo.coop CNAME demo.coop."}, []string{"wiki.demo.coop A 192.0.2.1"}, []string{"remove wiki.demo.coop: 300 A 192.0.2.1→", "create wiki.demo.coop: →300 CNAME demo.coop."}, "", ""},
		"below a delegation":            {"app:x", []string{"a.sub.demo.coop TXT x"}, nil, nil, "record-in-the-way", "ns.example."},
		"removing theirs":               {"app:x", nil, []string{"www.demo.coop A 198.51.100.9"}, nil, "record-not-ours", "set by hand"},
		"removing another owner's":      {"app:x", nil, []string{"wiki.demo.coop A 192.0.2.1"}, nil, "record-not-ours", "app:wiki"},
		"apex NS":                       {"app:x", []string{"demo.coop NS ns2.example."}, nil, nil, "apex-frozen", "demo.coop"},
		"apex DS":                       {"you", nil, []string{"demo.coop DS 1 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"}, nil, "apex-frozen", ""},
		"outside of the zone":           {"app:x", []string{"www.other.coop A 192.0.2.1"}, nil, nil, "record-invalid", "not in the zone"},
		"a CNAME at the apex":           {"app:x", []string{"demo.coop CNAME x.example."}, nil, nil, "record-in-the-way", "hello"},
		"the address of the own server": {"zone", nil, []string{"ns1.demo.coop A 192.0.2.1"}, nil, "zone-invalid", "ns1.demo.coop has no address"},
	} {
		t.Run(title, func(t *testing.T) {
			z, ledger := demoZone(t)
			d, err := Plan(z, ledger, Change{Owner: c.owner, Add: recs(t, c.add...), Remove: recs(t, c.remove...)})
			if c.code != "" {
				p, ok := errors.AsType[*problem.Problem](err)
				if !ok || p.Code != c.code || !strings.Contains(p.Error(), c.in) || len(p.Next) == 0 {
					t.Errorf("got %v; want %s with %q", err, c.code, c.in)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range d.Lines() {
				got = append(got, fmt.Sprintf("%s %s: %s→%s", l.Verb, l.Name, l.From, l.To))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlan_takesTheTTLOfTheSet(t *testing.T) {
	z, ledger := demoZone(t)
	r := rec(t, "wiki.demo.coop A 192.0.2.2")
	r.TTL = 60
	d, err := Plan(z, ledger, Change{Owner: "app:wiki", Add: []Record{r}})
	if err != nil || len(d.Add) != 1 || d.Add[0].TTL != 300 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestPlan_refusesALargeChange(t *testing.T) {
	z := NewZone("demo.coop", today)
	z.Records = recs(t, "ns1.demo.coop A 192.0.2.1")
	ledger := Ledger{}
	var ours []Record
	for i := range 9 {
		ours = append(ours, rec(t, fmt.Sprintf("h%d.demo.coop A 192.0.2.1", i)))
		ledger[ours[i].ID()] = "app:x"
	}
	z.Records = append(z.Records, ours...)
	z, err := z.Normalise()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Plan(z, ledger, Change{Owner: "app:x", Remove: ours[:3]}); err != nil {
		t.Errorf("3 of 10: %v", err)
	}
	if _, err := Plan(z, ledger, Change{Owner: "app:x", Remove: ours[:4]}); !errors.Is(err, &problem.Problem{Code: "change-too-large"}) {
		t.Errorf("4 of 10: %v", err)
	}
	small := z
	small.Records = slices.DeleteFunc(slices.Clone(z.Records), func(r Record) bool { return r.Name == "h0.demo.coop" })
	if _, err := Plan(small, ledger, Change{Owner: "app:x", Remove: ours}); err != nil {
		t.Errorf("a small zone: %v", err)
	}
}

// TestApply_undoRestores plans random changes and undoes them.
func TestApply_undoRestores(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		z, ledger := demoZone(t)
		var c Change
		c.Owner = "app:wiki"
		for range rnd.IntN(4) {
			c.Add = append(c.Add, rec(t, fmt.Sprintf("h%d.demo.coop A 192.0.2.%d", rnd.IntN(4), rnd.IntN(4))))
		}
		if rnd.IntN(2) == 0 {
			c.Remove = recs(t, "wiki.demo.coop A 192.0.2.1")
		}
		d, err := Plan(z, ledger, c)
		if err != nil {
			t.Fatal(err)
		}
		after, err := Apply(z, d, today)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Empty() && !SerialBefore(z.Serial, after.Serial) {
			t.Fatalf("serial %d → %d", z.Serial, after.Serial)
		}
		back, err := Apply(after, d.Inverse(), today)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(z.Records, back.Records); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(ledger, ledger.Apply(d).Apply(d.Inverse())); diff != "" {
			t.Fatal(diff)
		}
		again, err := Plan(after, ledger.Apply(d), c)
		if err != nil || !again.Empty() {
			t.Fatalf("planned again: %+v, %v", again, err)
		}
	}
}

func TestApply_refusesAnOldDiff(t *testing.T) {
	z, ledger := demoZone(t)
	d, err := Plan(z, ledger, Change{Owner: "app:wiki", Add: recs(t, "new.demo.coop A 192.0.2.1"), Remove: recs(t, "wiki.demo.coop A 192.0.2.1")})
	if err != nil {
		t.Fatal(err)
	}
	after, err := Apply(z, d, today)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(after, d, today); !errors.Is(err, &problem.Problem{Code: "zone-changed"}) {
		t.Errorf("applied twice: %v", err)
	}
	d.Remove = nil
	if _, err := Apply(after, d, today); !errors.Is(err, &problem.Problem{Code: "zone-changed"}) {
		t.Errorf("added twice: %v", err)
	}
}

func TestNextSerial(t *testing.T) {
	for _, c := range []struct{ old, want uint32 }{
		{0, 2026112301},
		{2026112201, 2026112301},
		{2026112301, 2026112302},
		{2026112399, 2026112400},
		{2030010101, 2030010102},
		{1, 2026112301},
		{1<<32 - 1, 2026112301}, // by RFC 1982 the dated one is later
		{4_200_000_000, 4_200_000_001},
	} {
		if got := NextSerial(c.old, today); got != c.want && !SerialBefore(c.old, got) {
			t.Errorf("NextSerial(%d) = %d; want %d", c.old, got, c.want)
		} else if c.old < 4_000_000_000 && got != c.want {
			t.Errorf("NextSerial(%d) = %d; want %d", c.old, got, c.want)
		}
	}
	old := uint32(4_294_967_000)
	for range 1000 {
		next := NextSerial(old, time.Unix(0, 0))
		if next == 0 || (old != 0 && !SerialBefore(old, next)) {
			t.Fatalf("%d → %d", old, next)
		}
		old = next
	}
}
