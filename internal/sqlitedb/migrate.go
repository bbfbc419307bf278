// SPDX-License-Identifier: AGPL-3.0-or-later

package sqlitedb

import (
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

func (db *DB) migrate(ctx context.Context, migrations fs.FS) error {
	files, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	slices.Sort(files)
	var have int
	if err := db.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		if e, ok := errors.AsType[sqlite3.Error](err); ok && (e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt) {
			return damaged(db.path, err)
		}
		return unusable(db.path, err)
	}
	if have > len(files) {
		return &problem.Problem{
			Code: "database-newer", Kind: problem.Conflict,
			What: "the records of this box were written by a newer coopkit",
			Why:  fmt.Sprintf("the records have version %d, this program knows versions up to %d", have, len(files)),
			Next: []string{"install the newer coopkit again", "or put back " + db.path + ".before-v" + strconv.Itoa(len(files)+1)},
		}
	}
	if have > 0 && have < len(files) {
		if err := db.copyBefore(ctx, have+1); err != nil {
			return err
		}
	}
	for i, file := range files[have:] {
		if err := db.apply(ctx, migrations, file, have+i+1); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) apply(ctx context.Context, migrations fs.FS, file string, version int) error {
	if !strings.HasPrefix(file, fmt.Sprintf("%04d_", version)) {
		return fmt.Errorf("migration %s is not number %d: the numbers have a gap", file, version)
	}
	statements, err := fs.ReadFile(migrations, file)
	if err != nil {
		return fmt.Errorf("read migration: %w", err)
	}
	return db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
			return fmt.Errorf("apply migration %s: %w", file, err)
		}
		// PRAGMA takes no parameters; version is our own number.
		if _, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(version)); err != nil {
			return fmt.Errorf("record migration %s: %w", file, err)
		}
		return nil
	})
}

// copyBefore is the way back from a migration: a whole, consistent copy.
func (db *DB) copyBefore(ctx context.Context, version int) error {
	to := db.path + ".before-v" + strconv.Itoa(version)
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
	copies, err := filepath.Glob(db.path + ".before-v*")
	if err != nil {
		return fmt.Errorf("list copies: %w", err)
	}
	number := func(path string) int {
		n, err := strconv.Atoi(path[strings.LastIndex(path, "-v")+2:])
		if err != nil {
			return 0
		}
		return n
	}
	slices.SortFunc(copies, func(a, b string) int { return number(b) - number(a) })
	for _, old := range copies[min(copiesKept, len(copies)):] {
		if err := os.Remove(old); err != nil {
			return fmt.Errorf("remove old copy: %w", err)
		}
	}
	return nil
}
