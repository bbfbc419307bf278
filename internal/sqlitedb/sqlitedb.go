// SPDX-License-Identifier: AGPL-3.0-or-later

// Package sqlitedb opens SQLite databases the one way we use them: WAL, foreign
// keys and a busy timeout on every pooled connection, one writer, several
// readers, numbered migrations with a copy taken before each upgrade. The
// appliance and the desk share it; it knows nothing of their tables. Its tests
// use real files and look at every connection.
package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/mattn/go-sqlite3"

	"coopkit/internal/problem"
)

// readers is how many connections read at the same time; a box has few readers.
const readers = 4

// DB is an open database. It is safe for concurrent use; Close frees it.
type DB struct {
	write *sql.DB // one connection: SQLite has one writer
	read  *sql.DB // query_only
	path  string
	sent  atomic.Int64
	fault atomic.Pointer[func() error]
}

// Open opens or makes the database at path (mode 0600) and brings it up to the
// newest of the migrations: files NNNN_name.sql, applied in order, each in its
// own transaction. The sets of packages whose tables are in it too follow.
// Before an existing database is changed, a copy is put beside it as
// <path>.before-v<N> (for a set: .before-<name>-v<N>); the newest three are
// kept. A database that is newer than the migrations gives a Problem
// "database-newer", a damaged one "database-damaged".
func Open(ctx context.Context, path string, migrations fs.FS, sets ...Set) (*DB, error) {
	return OpenSet(ctx, path, Set{Files: migrations}, sets...)
}

// OpenSet is Open for an owner whose migrations are not SQL alone; own has no
// name.
func OpenSet(ctx context.Context, path string, own Set, sets ...Set) (*DB, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the agent names its own state folder
	if err != nil {
		return nil, unusable(path, err)
	}
	if err := f.Close(); err != nil {
		return nil, unusable(path, err)
	}
	db := &DB{path: path}
	db.write = sql.OpenDB(connector{dsn(path, ""), &db.sent})
	db.write.SetMaxOpenConns(1)
	if err := db.migrate(ctx, own, sets); err != nil {
		return nil, errors.Join(err, db.write.Close())
	}
	db.read = sql.OpenDB(connector{dsn(path, "&_query_only=true"), &db.sent})
	db.read.SetMaxOpenConns(readers)
	db.read.SetConnMaxIdleTime(time.Minute) // each keeps up to 2 MB of pages
	return db, nil
}

// dsn puts the pragmas where every pooled connection gets them.
func dsn(path, extra string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_busy_timeout=5000&_journal_mode=WAL&_foreign_keys=on&_synchronous=FULL&_txlock=immediate" + extra
}

// Close closes both pools.
func (db *DB) Close() error { return errors.Join(db.read.Close(), db.write.Close()) }

// Read returns the pool for queries.
func (db *DB) Read() *sql.DB { return db.read }

// Write runs fn in one transaction, which is committed when fn returns nil and
// rolled back otherwise, also when fn panics. Writers wait for each other. A
// full disk gives a Problem "disk-full".
func (db *DB) Write(ctx context.Context, fn func(tx *sql.Tx) error) (err error) {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return explain(fmt.Errorf("begin: %w", err))
	}
	defer func() { // there is one connection to write with: it must come back, whatever fn does
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			err = errors.Join(err, back)
		}
	}()
	if err := fn(tx); err != nil {
		return explain(err)
	}
	if fault := db.fault.Load(); fault != nil {
		if err := (*fault)(); err != nil {
			return explain(err)
		}
	}
	if err := tx.Commit(); err != nil {
		return explain(fmt.Errorf("commit: %w", err))
	}
	return nil
}

// FailWrites has fn asked before each commit of Write: an error of it rolls the
// transaction back, as a full disk would (DiskFull). It is for tests of what the
// parts above do then; nil ends it.
func (db *DB) FailWrites(fn func() error) {
	if fn == nil {
		db.fault.Store(nil)
		return
	}
	db.fault.Store(&fn)
}

// DiskFull is what SQLite says when there is no room, for FailWrites.
func DiskFull() error { return sqlite3.Error{Code: sqlite3.ErrFull} }

// Prepare prepares a statement for transactions of Write, which use it through
// Tx.StmtContext. The caller closes it before the database.
func (db *DB) Prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	statement, err := db.write.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("prepare statement: %w", err)
	}
	return statement, nil
}

// Check runs SQLite's own integrity and foreign key checks and returns the
// first fault as an error.
func (db *DB) Check(ctx context.Context) error {
	var verdict string
	if err := db.read.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check database: %w", err)
	}
	if verdict != "ok" {
		return damaged(db.path, errors.New(verdict))
	}
	var broken int
	if err := db.read.QueryRowContext(ctx, "SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken); err != nil {
		return fmt.Errorf("check foreign keys: %w", err)
	}
	if broken > 0 {
		return damaged(db.path, fmt.Errorf("%d rows refer to one that does not exist", broken))
	}
	return nil
}

// IsUnique reports whether err is a violated UNIQUE or PRIMARY KEY constraint.
func IsUnique(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && (e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
}

func explain(err error) error {
	if e, ok := errors.AsType[sqlite3.Error](err); ok && e.Code == sqlite3.ErrFull {
		return &problem.Problem{
			Code: "disk-full", Kind: problem.Failed,
			What: "the disk is full, so nothing was changed",
			Why:  "the box could not write to its own records",
			Next: []string{"df -h", "free some space, then try again"},
			Err:  err,
		}
	}
	return err
}

func unusable(path string, err error) error {
	return &problem.Problem{
		Code: "database-unusable", Kind: problem.Unavailable,
		What: "the records of this box cannot be opened",
		Why:  "the file " + path + " cannot be read or written",
		Next: []string{"check that the folder " + filepath.Dir(path) + " exists and belongs to coopkit"},
		Err:  err,
	}
}

func damaged(path string, err error) error {
	return &problem.Problem{
		Code: "database-damaged", Kind: problem.Failed,
		What: "the records of this box are damaged",
		Why:  "the file " + path + " is not a sound database; a failing disk or a power cut can do that",
		Next: []string{
			"stop the agent and keep a copy of " + path,
			"put the newest " + path + ".before-v* in its place, or ask your support desk",
		},
		Err: err,
	}
}
