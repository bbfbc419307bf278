// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
)

// CountJobs returns how many jobs were ever begun, and how many of those in the
// journal are of each kind and state.
func (s *Store) CountJobs(ctx context.Context) (begun int64, now []appliance.JobCount, err error) {
	if err := s.db.Read().QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM job`).Scan(&begun); err != nil {
		return 0, nil, fmt.Errorf("count jobs: %w", err)
	}
	now, err = sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (c appliance.JobCount, err error) {
		return c, rows.Scan(&c.Kind, &c.State, &c.Count)
	}, `SELECT kind, state, count(*) FROM job GROUP BY kind, state`)
	return begun, now, err
}
