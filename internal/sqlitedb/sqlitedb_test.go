// SPDX-License-Identifier: AGPL-3.0-or-later

package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"coopkit/internal/problem"
)

var one = fstest.MapFS{"0001_init.sql": {Data: []byte(
	"CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT;" +
		"CREATE TABLE b (a INTEGER REFERENCES a(id)) STRICT;")}}

func with(extra map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	maps.Copy(m, one)
	for name, sql := range extra {
		m[name] = &fstest.MapFile{Data: []byte(sql)}
	}
	return m
}

func open(t *testing.T, path string, m fstest.MapFS) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestOpen_everyConnectionHasThePragmas(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x y.db"), one)
	for range readers {
		c, err := db.Read().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		for pragma, want := range map[string]string{
			"foreign_keys": "1", "busy_timeout": "5000", "journal_mode": "wal", "query_only": "1",
		} {
			var got string
			if err := c.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s = %q, %v; want %q", pragma, got, err, want)
			}
		}
	}
}

func TestWrite_rollsBackAndKeepsConstraints(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"), one)
	insert := func(q string) error {
		return db.Write(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO a (name) VALUES ('half')"); err != nil {
				return err
			}
			_, err := tx.ExecContext(t.Context(), q)
			return err
		})
	}
	if err := insert("INSERT INTO b VALUES (99)"); err == nil {
		t.Fatal("a foreign key to nothing was accepted")
	}
	if err := insert("INSERT INTO a (name) VALUES ('half')"); !IsUnique(err) {
		t.Fatalf("got %v; want a unique violation", err)
	}
	var n int
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM a").Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d rows left after roll back, %v", n, err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWrite_panicGivesTheWriterBack(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"), one)
	func() {
		defer func() { _ = recover() }() // as the handlers above do
		_ = db.Write(context.Background(), func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(context.Background(), "INSERT INTO a (name) VALUES ('half')"); err != nil {
				return err
			}
			panic("a mistake")
		})
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO a (name) VALUES ('half')")
		return err
	}); err != nil {
		t.Errorf("the next write: %v", err)
	}
}

func TestFailWrites_isAFullDiskThatChangesNothing(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"), one)
	insert := func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "INSERT INTO a (name) VALUES ('half')")
		return err
	}
	db.FailWrites(DiskFull)
	if err := db.Write(t.Context(), insert); !errors.Is(err, &problem.Problem{Code: "disk-full"}) {
		t.Errorf("got %v", err)
	}
	db.FailWrites(nil)
	if err := db.Write(t.Context(), insert); err != nil {
		t.Errorf("what failed was written, or it fails for ever: %v", err)
	}
}

func TestMigrate_copiesBeforeAndRefusesNewer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	first, err := Open(t.Context(), path, one)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(context.Background(), "INSERT INTO a (name) VALUES ('kept')")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, path, with(map[string]string{"0002_more.sql": "ALTER TABLE a ADD COLUMN note TEXT"}))
	var name string
	if err := second.Read().QueryRowContext(t.Context(), "SELECT name FROM a WHERE note IS NULL").Scan(&name); err != nil || name != "kept" {
		t.Fatalf("%q, %v", name, err)
	}
	if fi, err := os.Stat(path + ".before-v2"); err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("copy: %v, %v", fi, err)
	}
	_, err = Open(t.Context(), path, one)
	if !errors.Is(err, &problem.Problem{Code: "database-newer"}) {
		t.Fatalf("older program opened a newer database: %v", err)
	}
}

func TestMigrate_failureChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	open(t, path, one)
	if _, err := Open(t.Context(), path, with(map[string]string{"0002_bad.sql": "CREATE TABLE c (x); NONSENSE"})); err == nil {
		t.Fatal("a broken migration was applied")
	}
	db := open(t, path, one)
	var n int
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema WHERE name = 'c'").Scan(&n); err != nil || n != 0 {
		t.Fatalf("half a migration stayed: %d, %v", n, err)
	}
}

// set is one of another package, of so many migrations.
func set(files map[string]string) Set {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Set{Name: "other", Files: m, First: "o"}
}

func TestSets_haveVersionsOfTheirOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	first := map[string]string{"0001_o.sql": "CREATE TABLE o (id INTEGER PRIMARY KEY) STRICT"}
	db, err := Open(t.Context(), path, one, set(first))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	second := maps.Clone(first)
	second["0002_more.sql"] = "ALTER TABLE o ADD COLUMN note TEXT"
	for range 2 { // to open again changes nothing
		if db, err = Open(t.Context(), path, one, set(second)); err != nil {
			t.Fatal(err)
		}
		var own, version, notes int
		if err := db.Read().QueryRowContext(t.Context(), "SELECT user_version, version, (SELECT count(note) FROM o) FROM pragma_user_version, migration_set").Scan(&own, &version, &notes); err != nil || own != 1 || version != 2 {
			t.Errorf("the versions are %d and %d, %v", own, version, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path + ".before-other-v2"); err != nil {
		t.Errorf("the copy from before: %v", err)
	}
	for name, sets := range map[string][]Set{
		"an older program":                     {set(first)},
		"one that does not know the package":   {{Name: "third", Files: fstest.MapFS{}, First: "t"}},
		"one that knows nothing of its tables": {{Name: "other", Files: fstest.MapFS{}, First: "o"}},
	} {
		if _, err := Open(t.Context(), path, one, sets...); !errors.Is(err, &problem.Problem{Code: "database-newer"}) {
			t.Errorf("%s: %v; want the problem database-newer", name, err)
		}
	}
}

func TestCopies_newestThreeStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	files := map[string]string{}
	for n := range 6 {
		if n > 0 {
			files[fmt.Sprintf("%04d_n.sql", n+1)] = fmt.Sprintf("CREATE TABLE n%d (id)", n)
		}
		db, err := Open(t.Context(), path, with(files))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := filepath.Glob(path + ".before-*")
	if want := []string{path + ".before-v4", path + ".before-v5", path + ".before-v6"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("the copies are %q, %v", got, err)
	}
}

func TestOpen_damagedIsAProblem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, []byte("this is not a database, but it is long enough to look like a file header"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, one)
	if p, ok := errors.AsType[*problem.Problem](err); !ok || len(p.Next) == 0 {
		t.Fatalf("got %v; want a Problem", err)
	}
}
