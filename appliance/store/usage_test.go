// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"coopkit/appliance"
)

// addApps adds so many installs, app0 and so on.
func addApps(t *testing.T, s *Store, n int) []appliance.InstallName {
	t.Helper()
	var names []appliance.InstallName
	for i := range n {
		in := wordpress()
		in.Name = appliance.InstallName(fmt.Sprintf("app%d", i))
		in.Subnet = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, byte(i), 0}), 27)
		in.Addresses, in.Install.Addresses = nil, nil
		if err := s.CreateInstall(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		names = append(names, in.Name)
	}
	return names
}

// slotOf is a slot in which all of these used v.
func slotOf(span appliance.UsageSpan, begins time.Time, v float32, names ...appliance.InstallName) appliance.UsageSlot {
	s := appliance.UsageSlot{Span: span, Begins: begins, Of: map[appliance.InstallName][appliance.Measures]appliance.UsageRange{}}
	for i, name := range names {
		r := appliance.UsageRange{Mean: v + float32(i), Min: v - 1, Max: v + 100}
		s.Of[name] = [appliance.Measures]appliance.UsageRange{r, appliance.Unmeasured, r}
	}
	return s
}

var sameUsage = cmp.Options{cmpopts.EquateNaNs(), cmpopts.SortSlices(func(a, b appliance.UsageSlot) bool { return a.Begins.Before(b.Begins) })}

func TestUsage_isReadAsItWasSaved(t *testing.T) {
	s := open(t)
	names := addApps(t, s, 2)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	want := []appliance.UsageSlot{
		slotOf(appliance.LastHour, at, 10, "", "app0"), slotOf(appliance.LastHour, at.Add(time.Minute), 11, "", "app0", "app1"),
		slotOf(appliance.LastMonth, at.Add(3*time.Hour), math.MaxFloat32/2, "app1"),
	}
	if err := s.SaveUsage(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, sameUsage); diff != "" {
		t.Error(diff)
	}
	apps, err := s.UsageApps(t.Context())
	if err != nil || len(apps) != len(names) || !apps["app0"].Equal(wordpress().Created) {
		t.Errorf("measured are %v, %v", apps, err)
	}
}

func TestUsage_goesWithItsInstall(t *testing.T) {
	s := open(t)
	addApps(t, s, 1)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	save := func() {
		t.Helper()
		if err := s.SaveUsage(t.Context(), []appliance.UsageSlot{slotOf(appliance.LastDay, at, 1, "", "app0", "never")}); err != nil {
			t.Fatal(err)
		}
	}
	save()
	if err := s.DeleteInstall(t.Context(), "app0"); err != nil {
		t.Fatal(err)
	}
	addApps(t, s, 1) // another one of the same name
	got, err := s.Usage(t.Context())
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	if _, has := got[0].Of["app0"]; has || len(got[0].Of) != 1 {
		t.Errorf("the new app has the usage of the removed one: %v", got[0].Of)
	}
	save()
	if got, err = s.Usage(t.Context()); err != nil || len(got[0].Of) != 2 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestUsage_damageIsAGap(t *testing.T) {
	for _, b := range [][]byte{{}, {0}, {0x80}, {0x80, 0x80}, make([]byte, 20), make([]byte, 38)} {
		got := unpackUsage(b, map[uint64]appliance.InstallName{0: ""})
		if len(b) < 37 && len(got) != 0 || len(b) == 38 && len(got) != 1 {
			t.Errorf("%v is read as %v", b, got)
		}
	}
}

// TestUsage_staysSmall fills the rings of a box with 20 apps twice over, minute
// by minute at the pace at which usage is saved, and moves the clock.
func TestUsage_staysSmall(t *testing.T) {
	s := open(t)
	names := append(addApps(t, s, 20), "")
	pages := func() (n int64) {
		t.Helper()
		if err := s.db.Read().QueryRowContext(t.Context(), `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := pages()
	for _, begins := range []time.Time{time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Unix(-7200, 0), time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)} {
		for _, span := range appliance.UsageSpans {
			var slots []appliance.UsageSlot
			for i := range 2 * span.Slots() {
				slots = append(slots, slotOf(span, begins.Add(time.Duration(i)*span.Slot()), 1e9, names...))
			}
			if err := s.SaveUsage(t.Context(), slots); err != nil {
				t.Fatal(err)
			}
		}
	}
	grown := pages() - before
	t.Logf("20 apps take %d kB", grown/1000)
	if grown > 1<<20 { // the limit is 5 MiB; what it really takes is half a MiB
		t.Errorf("20 apps take %d bytes", grown)
	}
	all, err := s.Usage(t.Context())
	if want := appliance.LastHour.Slots() + appliance.LastDay.Slots() + appliance.LastMonth.Slots(); err != nil || len(all) != want {
		t.Errorf("%d slots, want %d, %v", len(all), want, err)
	}
}

// TestUsage_writesLittle counts what an hour of a box with 20 apps writes.
func TestUsage_writesLittle(t *testing.T) {
	s := open(t)
	names := append(addApps(t, s, 20), "")
	var file string
	if err := s.db.Read().QueryRowContext(t.Context(), `SELECT file FROM pragma_database_list`).Scan(&file); err != nil {
		t.Fatal(err)
	}
	wal := func() int64 {
		info, err := os.Stat(file + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	begins := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	hour := func() {
		for i := range 60 {
			at := begins.Add(time.Duration(i) * time.Minute)
			slots := []appliance.UsageSlot{slotOf(appliance.LastHour, at, 1e9, names...)}
			if i%5 != 4 {
				continue
			}
			for back := range 4 {
				slots = append(slots, slotOf(appliance.LastHour, at.Add(-time.Duration(back+1)*time.Minute), 1e9, names...))
			}
			if i%10 == 9 {
				slots = append(slots, slotOf(appliance.LastDay, at.Add(-9*time.Minute), 1e9, names...))
			}
			if err := s.SaveUsage(t.Context(), slots); err != nil {
				t.Fatal(err)
			}
		}
	}
	hour() // the rings are there
	before := wal()
	begins = begins.Add(time.Hour)
	hour()
	day := (wal() - before) * 24
	t.Logf("20 apps write %d kB a day to the log, and as much again from there", day/1000)
	if day > 16<<20 {
		t.Errorf("20 apps write %d bytes a day", day)
	}
}
