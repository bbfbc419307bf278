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
// Tables. It is safe for concurrent use.
type Store struct {
	db *sqlitedb.DB
}

// NewStore returns the store in db, which was opened with Tables. The caller
// closes db.
func NewStore(db *sqlitedb.DB) *Store { return &Store{db: db} }

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
