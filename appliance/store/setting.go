// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"

	"coopkit/internal/sqlitedb"
)

// Settings returns what was set, by name.
func (s *Store) Settings(ctx context.Context) (map[string]string, error) {
	type pair struct{ name, value string }
	pairs, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (p pair, err error) {
		return p, rows.Scan(&p.name, &p.value)
	}, `SELECT name, value FROM setting`)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(pairs))
	for _, p := range pairs {
		out[p.name] = p.value
	}
	return out, nil
}

// SaveSettings sets all that are named and leaves the others.
func (s *Store) SaveSettings(ctx context.Context, settings map[string]string) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		for name, value := range settings {
			if _, err := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, ?)
				ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value); err != nil {
				return fmt.Errorf("save setting: %w", err)
			}
		}
		return nil
	})
}
