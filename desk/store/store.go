// SPDX-License-Identifier: AGPL-3.0-or-later

// Package store keeps what a desk must not forget in one SQLite database, and
// how each box is now in memory too. Reports are written by one goroutine, many
// to a transaction, and are durable when Receive returns. Everything that a
// page shows goes through a View, which is bound to who asks: the one place
// with the scope of tenants. It knows nothing of HTTP, signatures or pages. Its
// tests use real files, compare the schema with schema.sql and kill a process
// that writes.
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

	"coopkit/desk"
	"coopkit/desk/wire"
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

// Store is the records of one desk. It is safe for concurrent use. Reports and
// changes of boxes wait until Run runs.
type Store struct {
	db      *sqlitedb.DB
	log     *slog.Logger
	now     func() time.Time
	period  time.Duration
	journal *sql.Stmt
	moved   *sql.Stmt
	writes  chan *write
	stopped chan struct{} // closed when Run has ended

	mu      sync.RWMutex // guards what follows, and what the pointers lead to
	boxes   map[wire.BoxID]*live
	numbers map[int64]*live
	coops   map[desk.CoopID]desk.Coop
	started time.Time // when this desk began to run,
	died    time.Time // and when it last ran before
}

// Open opens or makes the database at path. Errors are those of sqlitedb.Open.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open migrations: %w", err)
	}
	db, err := sqlitedb.Open(ctx, path, sub, signin.Tables())
	if err != nil {
		return nil, err
	}
	s := &Store{
		db: db, log: o.Log, now: o.Now, period: o.Period,
		writes: make(chan *write), stopped: make(chan struct{}),
	}
	if err := errors.Join(s.prepare(ctx), s.load(ctx)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the database; Run must have ended.
func (s *Store) Close() error {
	var err error
	for _, statement := range []*sql.Stmt{s.journal, s.moved} {
		if statement != nil {
			err = errors.Join(err, statement.Close())
		}
	}
	return errors.Join(err, s.db.Close())
}

// Check runs the database's own integrity checks.
func (s *Store) Check(ctx context.Context) error { return s.db.Check(ctx) }

// Statements is how many statements were sent to the database since it was
// opened, for the log of the pages; those of reports are not counted.
func (s *Store) Statements() int64 { return s.db.Statements() }

// Signin returns the accounts of the desk, which are in the same database.
func (s *Store) Signin() *signin.Store { return signin.NewStore(s.db) }

// Period is how often a box should report.
func (s *Store) Period() time.Duration { return s.period }

// millis is how times are stored; the zero time is NULL.
func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

// moment reads what millis wrote.
func moment(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return at(ms.Int64)
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
