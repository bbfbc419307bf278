// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
)

// Places returns the numbers of the addresses that the services of an install
// have in its network, those of older releases too.
func (s *Store) Places(ctx context.Context, name appliance.InstallName) (map[string]int, error) {
	type place struct {
		service string
		number  int
	}
	rows, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (p place, err error) {
		return p, rows.Scan(&p.service, &p.number)
	}, `SELECT service, number FROM place WHERE install = ?`, name)
	out := make(map[string]int, len(rows))
	for _, p := range rows {
		out[p.service] = p.number
	}
	return out, err
}

// SetPlaces records places. A service that has one keeps it.
func (s *Store) SetPlaces(ctx context.Context, name appliance.InstallName, places map[string]int) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		for service, number := range places {
			if _, err := tx.ExecContext(ctx, `INSERT INTO place (install, service, number) VALUES (?, ?, ?)
				ON CONFLICT (install, service) DO NOTHING`, name, service, number); err != nil {
				return fmt.Errorf("record place of %s: %w", service, err)
			}
		}
		return nil
	})
}
