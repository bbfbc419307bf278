// SPDX-License-Identifier: AGPL-3.0-or-later

package sqlitedb

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuery_readsRowsFromAPoolAndInATransaction(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"), one)
	const text = "SELECT name FROM a WHERE name <> ? ORDER BY name"
	name := func(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) }
	if got, err := Query(t.Context(), db.Read(), name, text, "c"); got != nil || err != nil {
		t.Fatalf("of an empty table: %v, %v", got, err)
	}
	if err := db.Write(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO a (name) VALUES ('b'), ('a'), ('c')"); err != nil {
			return err
		}
		got, err := Query(t.Context(), tx, name, text, "c")
		if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
			t.Errorf("in the transaction (-want +got):\n%s", diff)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	got, err := Query(t.Context(), db.Read(), name, text, "b")
	if diff := cmp.Diff([]string{"a", "c"}, got); diff != "" || err != nil {
		t.Errorf("after it (-want +got): %v\n%s", err, diff)
	}
}

func TestQuery_anErrorGivesNothingAndFreesTheConnection(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"), one)
	odd := errors.New("odd")
	refuse := func(rows *sql.Rows) (n int, err error) {
		if err := rows.Scan(&n); err != nil || n == 2 {
			return 0, errors.Join(err, odd)
		}
		return n, nil
	}
	for range 2 * readers { // more often than there are connections
		if got, err := Query(t.Context(), db.Read(), refuse, "SELECT 1 UNION ALL SELECT 2"); got != nil || !errors.Is(err, odd) {
			t.Fatalf("%v, %v; want the error of scan", got, err)
		}
	}
	if _, err := Query(t.Context(), db.Read(), refuse, "SELECT nothing"); err == nil {
		t.Error("a query that is none was answered")
	}
	// A blob of more than SQLite's limit fails after the rows have begun.
	if got, err := Query(t.Context(), db.Read(), refuse, "SELECT 1 UNION ALL SELECT length(zeroblob(1 << 62))"); got != nil || err == nil {
		t.Errorf("%v, %v; want the error of the second row", got, err)
	}
}
