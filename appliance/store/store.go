// SPDX-License-Identifier: AGPL-3.0-or-later

// Package store keeps what this box must not forget in one SQLite database:
// installs, releases, secrets, addresses, jobs, zones, sites, findings,
// settings, the link to the support desk and its outbox. One file per table;
// each exported method is one transaction. It knows nothing of containers or
// HTTP: the parts that need it declare their own interfaces. Its tests use real
// files and compare the schema with schema.sql.
package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"coopkit/internal/signin"
	"coopkit/internal/sqlitedb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the database of one box. It is safe for concurrent use; Close
// frees it.
type Store struct {
	db *sqlitedb.DB
}

// Open opens or makes the database at path. Errors are those of sqlitedb.Open.
func Open(ctx context.Context, path string) (*Store, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open migrations: %w", err)
	}
	db, err := sqlitedb.Open(ctx, path, sub, signin.Tables())
	if err != nil {
		return nil, err
	}
	return &Store{db: db}, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Check runs the database's own integrity checks.
func (s *Store) Check(ctx context.Context) error { return s.db.Check(ctx) }

// millis is how times are stored; the zero time is NULL.
func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

// moment reads what millis wrote.
func moment(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// encode writes v as JSON for a column with json_valid.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return string(b), nil
}

// scanText scans a row of one text column.
func scanText(rows *sql.Rows) (text string, err error) {
	return text, rows.Scan(&text)
}

// FailWrites is that of sqlitedb.DB, for tests of what a full disk does.
func (s *Store) FailWrites(fn func() error) { s.db.FailWrites(fn) }
