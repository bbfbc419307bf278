// SPDX-License-Identifier: AGPL-3.0-or-later

// Package store keeps what a desk must not forget in one SQLite database. Rows
// are the truth: what is decided is read in the transaction that writes it, so
// that several processes may share the database, and nothing that matters is in
// memory. Reports that come at once share a transaction and are durable when
// Receive returns. Everything that a page shows goes through a View, which is
// bound to who asks: the one place with the scope of tenants. It knows nothing
// of HTTP, signatures or pages. Its tests use real files, open one of them
// twice, compare the schema with schema.sql and kill a process that writes.
package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"coopkit/internal/signin"
	"coopkit/internal/sqlitedb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options are what a Store needs besides its file.
type Options struct {
	Log    *slog.Logger
	Now    func() time.Time
	Period time.Duration // between two reports of a box
}

// Store is the records of one desk. It is safe for concurrent use, also by
// several processes.
type Store struct {
	db     *sqlitedb.DB
	log    *slog.Logger
	now    func() time.Time
	period time.Duration
	fixed  statements
	keys   sync.Map // Keys of boxes by wire.BoxID; a cache

	turn    chan struct{} // full while somebody writes reports
	mu      sync.Mutex    // guards what follows
	waiting []*arrival    // reports that nobody has begun to write
}

// Open opens or makes the database at path. Errors are those of sqlitedb.Open.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open migrations: %w", err)
	}
	own := sqlitedb.Set{Files: sub, Then: map[int]sqlitedb.Step{2: catchUp}}
	db, err := sqlitedb.OpenSet(ctx, path, own, signin.Tables())
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, log: o.Log, now: o.Now, period: o.Period, turn: make(chan struct{}, 1)}
	if err := errors.Join(s.fixed.prepare(ctx, db), s.begin(ctx)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the database; Run must have ended.
func (s *Store) Close() error { return errors.Join(s.fixed.close(), s.db.Close()) }

// Check runs the database's own integrity checks.
func (s *Store) Check(ctx context.Context) error { return s.db.Check(ctx) }

// Statements is how many statements were sent to the database since it was
// opened, for the log of the pages; those of reports are not counted.
func (s *Store) Statements() int64 { return s.db.Statements() }

// Signin returns the accounts of the desk, which are in the same database.
func (s *Store) Signin() *signin.Store { return signin.NewStore(s.db) }

// Period is how often a box should report.
func (s *Store) Period() time.Duration { return s.period }

// begin notes when no desk ran before this one: from the last mark or report,
// until now. A desk that ran for less than the time in which boxes have to
// report, such as a command, has not ended that time: what it heard counts from
// the end.
func (s *Store) begin(ctx context.Context) error {
	return s.write(ctx, func(t *txn) error {
		// The rows of thousands of boxes that report in turn; SQLite's own 2 MB are
		// read anew for each of them.
		if _, err := t.ExecContext(ctx, `PRAGMA cache_size = -16000`); err != nil {
			return fmt.Errorf("set cache: %w", err)
		}
		_, err := t.ExecContext(ctx, `UPDATE desk SET alive = ?1, away_until = ?1,
				away_from = CASE WHEN ran.until - away_until < ?2 THEN away_from ELSE ran.until END
			FROM (SELECT max(alive, coalesce((SELECT max(seen) FROM progress), 0)) AS until FROM desk) ran`,
			t.now.UnixMilli(), s.silence().Milliseconds())
		if err != nil {
			return fmt.Errorf("note that the desk begins: %w", err)
		}
		return nil
	})
}

// txn is one transaction that writes, with what its parts need.
type txn struct {
	*sql.Tx
	now   time.Time
	fixed statements // of this transaction
}

// write runs fn in one transaction.
func (s *Store) write(ctx context.Context, fn func(t *txn) error) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		return fn(&txn{Tx: tx, now: s.now(), fixed: s.fixed.in(ctx, tx)})
	})
}

// statements are those of every report, prepared once.
type statements struct{ find, journal, sample, moved *sql.Stmt }

func (f *statements) prepare(ctx context.Context, db *sqlitedb.DB) (err error) {
	if f.find, err = db.Prepare(ctx, selectRecord+` WHERE t.id IN (SELECT value FROM json_each(?))`); err != nil {
		return err
	}
	if f.journal, err = db.Prepare(ctx, insertJournal); err != nil {
		return err
	}
	if f.sample, err = db.Prepare(ctx, addSample); err != nil {
		return err
	}
	f.moved, err = db.Prepare(ctx, updateProgress)
	return err
}

func (f *statements) in(ctx context.Context, tx *sql.Tx) statements {
	return statements{
		find: tx.StmtContext(ctx, f.find), journal: tx.StmtContext(ctx, f.journal),
		sample: tx.StmtContext(ctx, f.sample), moved: tx.StmtContext(ctx, f.moved),
	}
}

func (f *statements) close() error {
	var err error
	for _, s := range []*sql.Stmt{f.find, f.journal, f.sample, f.moved} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

// millis is how times are stored; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at reads milliseconds; 0 is the zero time.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// encode writes v as JSON for a column with json_valid.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return string(b), nil
}
