// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"database/sql"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

// database opens a new one with our tables.
func database(t *testing.T) *sqlitedb.DB {
	t.Helper()
	return openDatabase(t, filepath.Join(t.TempDir(), "signin.db"), nil)
}

func openDatabase(t *testing.T, path string, own fs.FS) *sqlitedb.DB {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), path, own, Tables())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// texts returns the first column of each row.
func texts(t *testing.T, db *sqlitedb.DB, text string) []string {
	t.Helper()
	all, err := sqlitedb.Query(t.Context(), db.Read(), func(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) }, text)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTables_adoptsThoseThatAnOwnerMade opens a database of the first version,
// whose own first migration made our tables.
func TestTables_adoptsThoseThatAnOwnerMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sqlitedb.Open(t.Context(), path, Tables().Files)
	if err != nil {
		t.Fatal(err)
	}
	ana := onDatabase(t, db, moment(0)).person("ana")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openDatabase(t, path, Tables().Files)
	if p, err := onDatabase(t, db, moment(0)).Person(t.Context(), ana.ID); err != nil || p != ana {
		t.Errorf("the account is %+v, %v", p, err)
	}
	if got := texts(t, db, `SELECT name || ' ' || version FROM migration_set`); len(got) != 1 || got[0] != "signin 1" {
		t.Errorf("the versions are %q", got)
	}
}

func TestTables_olderProgramRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.db")
	db := openDatabase(t, path, nil)
	if err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE migration_set SET version = 9`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlitedb.Open(t.Context(), path, nil, Tables()); !errors.Is(err, &problem.Problem{Code: "database-newer"}) {
		t.Errorf("got %v; want the problem database-newer", err)
	}
}
