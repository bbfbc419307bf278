// SPDX-License-Identifier: AGPL-3.0-or-later

package sqlitedb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"

	"coopkit/internal/problem"
)

// copiesKept is how many copies from before upgrades stay.
const copiesKept = 3

// Set is the migrations of a package that has tables in the databases of
// others. Its version has a row of its own in the table migration_set; that of
// the database itself is PRAGMA user_version.
type Set struct {
	Name  string
	Files fs.FS // NNNN_name.sql
	// First is a table that the first migration makes. A database that has it,
	// and no version of the set, is from when the owner of the database made the
	// tables of that migration: its version is 1.
	First string
	// Then has what SQL cannot do, by the number of the migration after which it
	// is done, in the same transaction.
	Then map[int]Step
}

// Step is a part of a migration that is written in Go.
type Step func(ctx context.Context, tx *sql.Tx) error

// migrate applies what the database does not have of its own migrations and of
// the sets, in this order.
func (db *DB) migrate(ctx context.Context, own Set, sets []Set) error {
	if err := db.upgrade(ctx, own); err != nil || len(sets) == 0 {
		return err
	}
	if err := db.adopt(ctx, sets); err != nil {
		return err
	}
	for _, s := range sets {
		if err := db.upgrade(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// adopt makes the table of versions, notes which sets are there without one,
// and refuses a database with a set that a newer program has brought.
func (db *DB) adopt(ctx context.Context, sets []Set) error {
	return db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migration_set (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT`); err != nil {
			return fmt.Errorf("make table of versions: %w", err)
		}
		var known []string
		for _, s := range sets {
			if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO migration_set SELECT ?, 1 FROM sqlite_schema WHERE type = 'table' AND name = ?`, s.Name, s.First); err != nil {
				return fmt.Errorf("note version of %s: %w", s.Name, err)
			}
			known = append(known, s.Name)
		}
		there, err := Query(ctx, tx, func(rows *sql.Rows) (name string, err error) { return name, rows.Scan(&name) }, `SELECT name FROM migration_set`)
		if err != nil {
			return err
		}
		for _, name := range there {
			if !slices.Contains(known, name) {
				return db.newer(Set{Name: name}.label(1), "none of that name")
			}
		}
		return nil
	})
}

// upgrade applies the migrations of one set that the database does not have.
func (db *DB) upgrade(ctx context.Context, s Set) error {
	files, err := s.list()
	if err != nil {
		return err
	}
	have, err := db.version(ctx, s)
	if err != nil {
		return err
	}
	if have > len(files) {
		return db.newer(s.label(have), s.label(len(files)))
	}
	if have > 0 && have < len(files) {
		if err := db.copyBefore(ctx, s.label(have+1)); err != nil {
			return err
		}
	}
	for i, file := range files[have:] {
		if err := db.apply(ctx, s, file, have+i+1); err != nil {
			return err
		}
	}
	return nil
}

// list returns the migrations in their order; none for a set without files.
func (s Set) list() ([]string, error) {
	if s.Files == nil {
		return nil, nil
	}
	files, err := fs.Glob(s.Files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	slices.Sort(files)
	return files, nil
}

// label names a version of the set in the name of a file.
func (s Set) label(version int) string {
	label := "v" + strconv.Itoa(version)
	if s.Name != "" {
		label = s.Name + "-" + label
	}
	return label
}

// version is how many migrations of the set the database has.
func (db *DB) version(ctx context.Context, s Set) (have int, err error) {
	if s.Name == "" {
		err = db.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have)
	} else {
		err = db.write.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM migration_set WHERE name = ?`, s.Name).Scan(&have)
	}
	if e, ok := errors.AsType[sqlite3.Error](err); ok && (e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt) {
		return 0, damaged(db.path, err)
	}
	if err != nil {
		return 0, unusable(db.path, err)
	}
	return have, nil
}

func (db *DB) newer(have, known string) error {
	return &problem.Problem{
		Code: "database-newer", Kind: problem.Conflict,
		What: "the records of this box were written by a newer coopkit",
		Why:  "the records have version " + have + ", this program knows versions up to " + known,
		Next: []string{"install the newer coopkit again", "or put back the newest copy from before: " + db.path + ".before-…"},
	}
}

func (db *DB) apply(ctx context.Context, s Set, file string, version int) error {
	if !strings.HasPrefix(file, fmt.Sprintf("%04d_", version)) {
		return fmt.Errorf("migration %s is not number %d: the numbers have a gap", file, version)
	}
	statements, err := fs.ReadFile(s.Files, file)
	if err != nil {
		return fmt.Errorf("read migration: %w", err)
	}
	return db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
			return fmt.Errorf("apply migration %s: %w", file, err)
		}
		if then := s.Then[version]; then != nil {
			if err := then(ctx, tx); err != nil {
				return fmt.Errorf("complete migration %s: %w", file, err)
			}
		}
		if err := s.record(ctx, tx, version); err != nil {
			return fmt.Errorf("record migration %s: %w", file, err)
		}
		return nil
	})
}

// record notes the version of the set.
func (s Set) record(ctx context.Context, tx *sql.Tx, version int) (err error) {
	if s.Name == "" {
		// PRAGMA takes no parameters; version is our own number.
		_, err = tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(version))
	} else {
		_, err = tx.ExecContext(ctx, `INSERT INTO migration_set (name, version) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version`, s.Name, version)
	}
	return err
}

// copyBefore is the way back from a migration: a whole, consistent copy.
func (db *DB) copyBefore(ctx context.Context, label string) error {
	to := db.path + ".before-" + label
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove old copy: %w", err)
	}
	if _, err := db.write.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return explain(fmt.Errorf("copy database: %w", err))
	}
	if err := os.Chmod(to, 0o600); err != nil {
		return fmt.Errorf("protect copy: %w", err)
	}
	return db.dropOldCopies()
}

func (db *DB) dropOldCopies() error {
	type file struct {
		path string
		made int64
	}
	paths, err := filepath.Glob(db.path + ".before-*")
	if err != nil {
		return fmt.Errorf("list copies: %w", err)
	}
	var copies []file
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("look at old copy: %w", err)
		}
		copies = append(copies, file{path, info.ModTime().UnixNano()})
	}
	slices.SortFunc(copies, func(a, b file) int { return cmp.Compare(b.made, a.made) })
	for _, old := range copies[min(copiesKept, len(copies)):] {
		if err := os.Remove(old.path); err != nil {
			return fmt.Errorf("remove old copy: %w", err)
		}
	}
	return nil
}
