// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"coopkit/appliance"
	"coopkit/appliance/names"
	"coopkit/internal/sqlitedb"
)

var _ names.Store = (*Store)(nil)

// Zones implements names.Store.
func (s *Store) Zones(ctx context.Context) ([]names.StoredZone, error) {
	zones, err := sqlitedb.Query(ctx, s.db.Read(), scanZone,
		`SELECT name, serial, ttl, ns, primary_ns, mailbox, refresh, retry, expire, minimum FROM zone ORDER BY name`)
	if err != nil {
		return nil, err
	}
	for i := range zones {
		if zones[i].Records, err = sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (r appliance.Record, err error) {
			return r, rows.Scan(&r.Name, &r.Type, &r.TTL, &r.Data, &r.Owner)
		}, `SELECT name, type, ttl, data, owner FROM record WHERE zone = ? ORDER BY seq`, zones[i].Name); err != nil {
			return nil, err
		}
	}
	return zones, nil
}

func scanZone(rows *sql.Rows) (z names.StoredZone, err error) {
	var ns string
	if err := rows.Scan(&z.Name, &z.Serial, &z.TTL, &ns, &z.Primary, &z.Mailbox, &z.Refresh, &z.Retry, &z.Expire, &z.Minimum); err != nil {
		return z, err
	}
	if json.Unmarshal([]byte(ns), &z.NS) != nil {
		z.NS = nil // a zone without name servers is not valid: it is not served, and the others are
	}
	return z, nil
}

// ReplaceZone implements names.Store.
func (s *Store) ReplaceZone(ctx context.Context, z names.StoredZone) error {
	ns, err := encode(z.NS)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM zone WHERE name = ?`, z.Name); err != nil {
			return fmt.Errorf("replace zone: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO zone (name, serial, ttl, ns, primary_ns, mailbox, refresh, retry, expire, minimum)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			z.Name, z.Serial, z.TTL, ns, z.Primary, z.Mailbox, z.Refresh, z.Retry, z.Expire, z.Minimum); err != nil {
			return fmt.Errorf("insert zone: %w", err)
		}
		for i, r := range z.Records {
			if _, err := tx.ExecContext(ctx, `INSERT INTO record (zone, seq, name, type, ttl, data, owner) VALUES (?, ?, ?, ?, ?, ?, ?)`,
				z.Name, i, r.Name, r.Type, r.TTL, r.Data, r.Owner); err != nil {
				return fmt.Errorf("insert record: %w", err)
			}
		}
		return nil
	})
}

// DeleteZone implements names.Store.
func (s *Store) DeleteZone(ctx context.Context, name string) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM zone WHERE name = ?`, name)
		return err
	})
}
