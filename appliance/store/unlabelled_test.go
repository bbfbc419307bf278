// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"errors"
	"io/fs"
	"net/netip"
	"path/filepath"
	"testing"
	"testing/fstest"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
)

// TestUnlabelled_areTheInstallsFromBefore: what a box had before its networks
// and volumes bore its label stays its own, and nothing later does without.
func TestUnlabelled_areTheInstallsFromBefore(t *testing.T) {
	before := fstest.MapFS{}
	for _, name := range []string{"0001_init.sql", "0002_day.sql"} {
		text, err := fs.ReadFile(migrations, "migrations/"+name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = &fstest.MapFile{Data: text}
	}
	path := filepath.Join(t.TempDir(), "coopkit.db")
	db, err := sqlitedb.Open(t.Context(), path, before)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(insertFirst(t, db), db.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	later := wordpress()
	later.Name, later.Subnet, later.Addresses = "later", netip.MustParsePrefix("10.213.9.0/27"), nil
	if err := s.CreateInstall(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[appliance.InstallName]bool{"wordpress": true, "later": false, "unknown": false} {
		if got, err := s.Unlabelled(t.Context(), name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
