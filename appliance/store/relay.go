// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"coopkit/appliance"
	"coopkit/appliance/notify"
	"coopkit/internal/sqlitedb"
)

var _ notify.Store = (*Store)(nil)

// Relays implements notify.Store.
func (s *Store) Relays(ctx context.Context) (now, before *appliance.Relay, err error) {
	type row struct {
		slot  string
		relay *appliance.Relay
	}
	rows, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (r row, err error) {
		var text string
		if err := rows.Scan(&r.slot, &text); err != nil {
			return r, err
		}
		return r, json.Unmarshal([]byte(text), &r.relay)
	}, `SELECT slot, relay FROM relay`)
	for _, r := range rows {
		if r.slot == "now" {
			now = r.relay
		} else {
			before = r.relay
		}
	}
	return now, before, err
}

// SaveRelays implements notify.Store.
func (s *Store) SaveRelays(ctx context.Context, now, before *appliance.Relay) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		for slot, r := range map[string]*appliance.Relay{"now": now, "before": before} {
			text, err := encode(r)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO relay (slot, relay) VALUES (?, ?)
				ON CONFLICT (slot) DO UPDATE SET relay = excluded.relay`, slot, text); err != nil {
				return fmt.Errorf("save relay: %w", err)
			}
		}
		return nil
	})
}
