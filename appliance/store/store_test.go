// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

var update = flag.Bool("update", false, "write the golden files anew")

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "coopkit.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Check(t.Context()), s.Close()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return s
}

func wordpress() NewInstall {
	return NewInstall{
		Install: appliance.Install{
			Name: "wordpress", Recipe: "wordpress", Wanted: appliance.WantRunning,
			Subnet: netip.MustParsePrefix("10.213.0.0/27"), Settings: map[string]string{"title": "Demo"},
			Created: time.UnixMilli(1_700_000_000_000).UTC(), Addresses: []hostname.Name{"www.demo.coop"},
		},
		Secrets:   map[string]string{"db": "s3cret"},
		Addresses: []appliance.Address{{Host: "www.demo.coop", Kind: appliance.ToService, Install: "wordpress", Web: "web"}},
	}
}

func TestSchema_isTheGoldenOne(t *testing.T) {
	s := open(t)
	parts, err := sqlitedb.Query(t.Context(), s.db.Read(), scanText,
		`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(parts, ";\n\n") + ";\n"
	golden := filepath.Join("testdata", "schema.sql")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the schema changed (go test ./appliance/store -update):\n%s", diff)
	}
}

func TestBox_isDrawnOnceForEachDatabase(t *testing.T) {
	s := open(t)
	first, err := s.Box(t.Context())
	if err != nil || len(first) != 16 {
		t.Fatalf("box %q, %v", first, err)
	}
	if again, err := s.Box(t.Context()); err != nil || again != first {
		t.Errorf("then %q, %v", again, err)
	}
	if other, err := open(t).Box(t.Context()); err != nil || other == first {
		t.Errorf("another database has %q too, %v", other, err)
	}
}

func TestInstall_roundTrip(t *testing.T) {
	s := open(t)
	in := wordpress()
	if err := s.CreateInstall(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	got, err := s.Install(t.Context(), "wordpress")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in.Install, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Error(diff)
	}
	secrets, err := s.Secrets(t.Context(), "wordpress")
	if err != nil || secrets["db"] != "s3cret" {
		t.Errorf("secrets %v, %v", secrets, err)
	}
	if err := errors.Join(s.SetOwner(t.Context(), "wordpress", true), s.SetWanted(t.Context(), "wordpress", appliance.WantStopped)); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Install(t.Context(), "wordpress"); err != nil || !got.HasOwner || got.Wanted != appliance.WantStopped {
		t.Errorf("after changes: %+v, %v", got, err)
	}
	if err := s.MarkSigninShown(t.Context(), "wordpress"); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[appliance.InstallName]string{"wordpress": "signin-shown", "nothing": "install-unknown"} {
		if err := s.MarkSigninShown(t.Context(), name); !errors.Is(err, &problem.Problem{Code: code}) {
			t.Errorf("mark the sign-in of %s as shown again: %v, want %s", name, err, code)
		}
	}
	if got, err = s.Install(t.Context(), "wordpress"); err != nil || !got.SigninShown {
		t.Errorf("after its sign-in was shown: %+v, %v", got, err)
	}
	if err := s.SetOwner(t.Context(), "nothing", true); err == nil {
		t.Error("an unknown install was changed")
	}
}

func TestCreateInstall_isAllOrNothing(t *testing.T) {
	s := open(t)
	if err := s.AddAddress(t.Context(), appliance.Address{Host: "www.demo.coop", Kind: appliance.ToSite}); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateInstall(t.Context(), wordpress()); !errors.Is(err, appliance.AddressTaken("www.demo.coop")) {
		t.Fatalf("got %v; want address-taken", err)
	}
	if _, err := s.Install(t.Context(), "wordpress"); !errors.Is(err, &problem.Problem{Code: "install-unknown"}) {
		t.Errorf("half an install stayed: %v", err)
	}
	if err := s.DeleteAddress(t.Context(), "www.demo.coop", appliance.ToSite); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateInstall(t.Context(), wordpress()); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateInstall(t.Context(), wordpress()); !errors.Is(err, InstallExists("wordpress")) {
		t.Errorf("got %v; want install-exists", err)
	}
	other := wordpress()
	other.Name = "other"
	if err := s.CreateInstall(t.Context(), other); !errors.Is(err, ErrSubnetTaken) {
		t.Errorf("got %v; want that the subnet is taken", err)
	}
}

func TestDeleteAddress_leavesWhatAnotherPutThere(t *testing.T) {
	s := open(t)
	there := appliance.Address{Host: "demo.coop", Kind: appliance.ToSite}
	if err := errors.Join(s.AddAddress(t.Context(), there), s.DeleteAddress(t.Context(), "demo.coop", appliance.ToRedirect)); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := s.Address(t.Context(), "demo.coop"); err != nil || !ok || got != there {
		t.Errorf("undoing a redirect took a site's address: %+v, %v, %v", got, ok, err)
	}
}

func TestDeleteInstall_takesEverythingAndRepeats(t *testing.T) {
	s := open(t)
	if err := s.CreateInstall(t.Context(), wordpress()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.InsertRelease(t.Context(), release("6.1.9-1"), []byte("zip")); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPlaces(t.Context(), "wordpress", map[string]int{"app": 2}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.DeleteInstall(t.Context(), "wordpress"); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"install", "secret", "release", "address", "place"} {
		var n int
		if err := s.db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows left in %s, %v", n, table, err)
		}
	}
}

func TestAddress_sitesAndRedirects(t *testing.T) {
	s := open(t)
	to := appliance.Address{Host: "old.demo.coop", Kind: appliance.ToRedirect, Target: "https://www.demo.coop"}
	for range 2 { // the same again is fine
		if err := s.AddAddress(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}
	other := to
	other.Target = "https://elsewhere.example"
	if err := s.AddAddress(t.Context(), other); !errors.Is(err, appliance.AddressTaken(to.Host)) {
		t.Errorf("got %v; want address-taken", err)
	}
	if err := s.AddAddress(t.Context(), appliance.Address{Host: to.Host, Kind: appliance.ToSite}); !errors.Is(err, appliance.AddressTaken(to.Host)) {
		t.Errorf("got %v; want address-taken", err)
	}
	got, ok, err := s.Address(t.Context(), to.Host)
	if err != nil || !ok || got != to {
		t.Errorf("got %+v %v %v", got, ok, err)
	}
	if _, ok, err := s.Address(t.Context(), "nothing.demo.coop"); ok || err != nil {
		t.Errorf("an unknown host answers: %v, %v", ok, err)
	}
}
