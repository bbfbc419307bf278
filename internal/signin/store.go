// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"coopkit/internal/sqlitedb"
)

// Store keeps people, sessions, tokens and failed attempts in the tables of
// Schema. It is safe for concurrent use.
type Store struct {
	db *sqlitedb.DB
}

// NewStore returns the store in db, which has the tables of Schema. The caller
// closes db.
func NewStore(db *sqlitedb.DB) *Store { return &Store{db: db} }

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// query runs a query and scans each row with scan, closing the rows always.
func query[T any](ctx context.Context, q querier, scan func(rows *sql.Rows) (T, error), text string, args ...any) (_ []T, err error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// moment reads milliseconds.
func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// exec runs one statement in a transaction of its own.
func (s *Store) exec(ctx context.Context, text string, args ...any) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	})
}

// cleanup removes what is over at now. A token stays a day longer, so that who
// comes late reads why it does not work.
func (s *Store) cleanup(ctx context.Context, now time.Time) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		for _, over := range []struct {
			text string
			at   time.Time
		}{
			{`DELETE FROM session WHERE expires <= ?`, now},
			{`DELETE FROM session WHERE seen <= ?`, now.Add(-idle)},
			{`DELETE FROM signin_token WHERE expires <= ?`, now.Add(-24 * time.Hour)},
			{`DELETE FROM signin_failure WHERE last <= ?`, now.Add(-forgotten)},
		} {
			if _, err := tx.ExecContext(ctx, over.text, over.at.UnixMilli()); err != nil {
				return fmt.Errorf("clean up: %w", err)
			}
		}
		return nil
	})
}
