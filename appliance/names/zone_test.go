// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/dns/zonefile"
	"coopkit/internal/hostname"
)

func TestAddZone_isServedAndVerified(t *testing.T) {
	b := newBox(t)
	p, err := b.PlanAddZone(t.Context(), appliance.ZoneChange{Zone: "demo.example"})
	if err != nil {
		t.Fatal(err)
	}
	want := []appliance.Line{
		{Verb: appliance.VerbCreate, Kind: appliance.KindZone, Name: "demo.example"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindNameServer, Name: "ns1.demo.example"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindRecord, Name: "ns1.demo.example", To: "300 A 192.0.2.7"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindRecord, Name: "ns1.demo.example", To: "300 AAAA 2001:db8::7"},
	}
	if diff := cmp.Diff(want, p.Lines); diff != "" {
		t.Error(diff)
	}
	records := []string{}
	for _, n := range p.Notes {
		if r := n.Args["record"]; r != "" {
			records = append(records, r)
		}
	}
	if diff := cmp.Diff([]string{
		"demo.example. 3600 NS ns1.demo.example.", "ns1.demo.example. 300 A 192.0.2.7", "ns1.demo.example. 300 AAAA 2001:db8::7",
	}, records); diff != "" {
		t.Error(diff)
	}
	b.withZone(t)
	if got := b.answer(t, "demo.example", "NS") + " " + b.answer(t, "ns1.demo.example", "A"); got != "ns1.demo.example. 192.0.2.7" {
		t.Errorf("the server answers %q", got)
	}
	_, err = b.PlanAddZone(t.Context(), appliance.ZoneChange{Zone: "demo.example"})
	wantCode(t, err, "zone-exists")
	b.withZone(t) // the steps may run again
}

func TestAddZone_withNameServersElsewhere(t *testing.T) {
	b := newBox(t)
	b.d.NameServers = func(hostname.Name) []string { return []string{"ns1.provider.example", "ns2.provider.example"} }
	b.withZone(t)
	if got := b.answer(t, "demo.example", "NS"); got != "ns1.provider.example. ns2.provider.example." {
		t.Errorf("the server answers %q", got)
	}
}

func TestAddZone_undone(t *testing.T) {
	b := newBox(t)
	steps := b.addZoneSteps("demo.example")
	if err := steps[0].Undo(t.Context()); err != nil {
		t.Errorf("before anything was done: %v", err)
	}
	b.withZone(t)
	if err := steps[0].Undo(t.Context()); err != nil || len(b.store.zones) != 0 || b.answer(t, "demo.example", "NS") != "" {
		t.Errorf("%v; left: %v", err, b.store.zones)
	}
	b.withZone(t)
	if err := b.EnsureHost(t.Context(), "www.demo.example", "app:x"); err != nil {
		t.Fatal(err)
	}
	if err := steps[0].Undo(t.Context()); err != nil || len(b.store.zones) != 1 {
		t.Errorf("a zone in use was removed: %v", err)
	}
	wantCode(t, runJob(t, steps), "zone-exists")
}

func TestRemoveZone(t *testing.T) {
	b := newBox(t).withZone(t)
	_, err := b.PlanRemoveZone(t.Context(), appliance.ZoneChange{Zone: "other.example"})
	wantCode(t, err, "no-such-zone")
	if err := b.EnsureHost(t.Context(), "www.demo.example", "app:x"); err != nil {
		t.Fatal(err)
	}
	_, err = b.PlanRemoveZone(t.Context(), appliance.ZoneChange{Zone: "demo.example"})
	wantCode(t, err, "zone-in-use")
	wantCode(t, runJob(t, b.removeZoneSteps("demo.example")), "zone-in-use")
	if err := b.RemoveHost(t.Context(), "www.demo.example", "app:x"); err != nil {
		t.Fatal(err)
	}
	p, err := b.PlanRemoveZone(t.Context(), appliance.ZoneChange{Zone: "demo.example"})
	if err != nil || len(p.Lines) != 3 || !p.Lines[0].Destructive {
		t.Errorf("%+v, %v", p, err)
	}
	before := b.store.zones["demo.example"]
	steps := b.removeZoneSteps("demo.example")
	for range 2 { // as after a crash
		if err := runJob(t, steps); err != nil || len(b.store.zones) != 0 || b.answer(t, "demo.example", "NS") != "" {
			t.Fatalf("%v; left: %v", err, b.store.zones)
		}
	}
	for range 2 {
		if err := steps[1].Undo(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, b.store.zones["demo.example"]); diff != "" {
			t.Error(diff)
		}
	}
	if got := b.answer(t, "ns1.demo.example", "A"); got != "192.0.2.7" {
		t.Errorf("after the way back the server answers %q", got)
	}
	file, err := os.Open(filepath.Join(b.d.Dir, fmt.Sprintf("demo.example-%d.zone", before.Serial)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if z, err := zonefile.Parse(file, "demo.example"); err != nil || z.Serial != before.Serial || len(z.Records) != len(before.Records) {
		t.Errorf("the kept zone file has %+v, %v", z, err)
	}
}

func TestAddZone_againHasALaterSerial(t *testing.T) {
	b := newBox(t).withZone(t)
	if err := b.EnsureHost(t.Context(), "www.demo.example", "app:x"); err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveHost(t.Context(), "www.demo.example", "app:x"); err != nil {
		t.Fatal(err)
	}
	before := b.store.zones["demo.example"].Serial
	if err := runJob(t, b.removeZoneSteps("demo.example")); err != nil {
		t.Fatal(err)
	}
	b.withZone(t)
	if got := b.store.zones["demo.example"].Serial; got <= before {
		t.Errorf("serial %d after %d", got, before)
	}
}

func TestZones_whenTheServerListensNowhere(t *testing.T) {
	b := newBox(t).withZone(t)
	b.addr = ""
	_, err := b.PlanAddZone(t.Context(), appliance.ZoneChange{Zone: "other.example"})
	wantCode(t, err, "dns-not-listening")
	before := b.store.zones["demo.example"].Records
	wantCode(t, b.EnsureHost(t.Context(), "www.demo.example", "app:x"), "dns-not-listening")
	if diff := cmp.Diff(before, b.store.zones["demo.example"].Records); diff != "" {
		t.Error(diff)
	}
	if c, err := b.Check(t.Context(), "www.demo.example"); err != nil || c.OK || c.Problem == "" {
		t.Errorf("%+v, %v", c, err)
	}
}
