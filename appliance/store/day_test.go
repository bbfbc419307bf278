// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
)

func TestDays_keepTheWorst(t *testing.T) {
	s := open(t)
	for _, day := range []appliance.Day{
		{Date: "2026-11-26", Worst: map[string]appliance.Severity{"app:chat": appliance.Critical, "": appliance.Notice}},
		{Date: "2026-11-27"},
		{Date: "2026-11-26", Worst: map[string]appliance.Severity{"app:chat": appliance.Warning, "host:demo.coop": appliance.Warning}},
	} {
		if err := s.KeepDay(t.Context(), day); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Days(t.Context(), "2026-11-26")
	want := []appliance.Day{
		{Date: "2026-11-26", Looked: true, Worst: map[string]appliance.Severity{"": appliance.Notice, "app:chat": appliance.Critical, "host:demo.coop": appliance.Warning}},
		{Date: "2026-11-27", Looked: true, Worst: map[string]appliance.Severity{}},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
	for n := range 40 {
		if err := s.KeepDay(t.Context(), appliance.Day{Date: fmt.Sprintf("2027-01-%02d", n)}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err = s.Days(t.Context(), ""); err != nil || len(got) != daysKept || got[0].Date != "2027-01-09" {
		t.Errorf("%d days are kept, from %+v, %v", len(got), got[0], err)
	}
}

// insertFirst records an install as the first version did.
func insertFirst(t *testing.T, db *sqlitedb.DB) error {
	t.Helper()
	return db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO install (name, recipe, wanted, subnet, settings, created)
			VALUES ('wordpress', 'wordpress', 'running', '10.213.1.0/27', '{}', 1)`)
		return err
	})
}

// TestMigrate_daysCome opens the records of a box from before there were days.
func TestMigrate_daysCome(t *testing.T) {
	first, err := fs.ReadFile(migrations, "migrations/0001_init.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "coopkit.db")
	db, err := sqlitedb.Open(t.Context(), path, fstest.MapFS{"0001_init.sql": {Data: first}})
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
	_, err = s.Install(t.Context(), "wordpress")
	if err = errors.Join(err, s.KeepDay(t.Context(), appliance.Day{Date: "2026-11-27"}), s.Check(t.Context()), s.Close()); err != nil {
		t.Error(err)
	}
	if _, err := sqlitedb.Open(t.Context(), path+".before-v2", fstest.MapFS{"0001_init.sql": {Data: first}}); err != nil {
		t.Errorf("the copy from before: %v", err)
	}
}
