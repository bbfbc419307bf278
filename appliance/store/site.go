// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"coopkit/appliance/sites"
	"coopkit/internal/sqlitedb"
)

var _ sites.Store = (*Store)(nil)

// Sites implements sites.Store.
func (s *Store) Sites(ctx context.Context) ([]sites.StoredSite, error) {
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (site sites.StoredSite, err error) {
		var versions string
		if err := rows.Scan(&site.Host, &site.Published, &site.Last, &versions); err != nil {
			return site, err
		}
		site.Unreadable = json.Unmarshal([]byte(versions), &site.Versions)
		return site, nil
	}, `SELECT host, published, last, versions FROM site ORDER BY host`)
}

// PutSite implements sites.Store.
func (s *Store) PutSite(ctx context.Context, site sites.StoredSite) error {
	versions, err := encode(site.Versions)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO site (host, published, last, versions) VALUES (?, ?, ?, ?)`,
			site.Host, site.Published, site.Last, versions)
		return err
	})
}

// DeleteSite implements sites.Store.
func (s *Store) DeleteSite(ctx context.Context, host string) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM site WHERE host = ?`, host)
		return err
	})
}
