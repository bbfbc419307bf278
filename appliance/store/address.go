// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/sqlitedb"
)

// Addresses returns every address, by host, but for those of scratch installs.
func (s *Store) Addresses(ctx context.Context) ([]appliance.Address, error) {
	return s.addresses(ctx, `ORDER BY host`)
}

// Address returns one address; ok is false when nothing answers there.
func (s *Store) Address(ctx context.Context, host hostname.Name) (a appliance.Address, ok bool, err error) {
	all, err := s.addresses(ctx, `AND host = ?`, host)
	if err != nil || len(all) == 0 {
		return a, false, err
	}
	return all[0], true, nil
}

func (s *Store) addresses(ctx context.Context, where string, args ...any) ([]appliance.Address, error) {
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (a appliance.Address, err error) {
		return a, rows.Scan(&a.Host, &a.Kind, &a.Install, &a.Web, &a.Target)
	}, `SELECT host, kind, coalesce(install, ''), web, target FROM address
		WHERE coalesce((SELECT scratch FROM install WHERE install.name = address.install), 0) = 0 `+where, args...)
}

// AddAddress records an address of a site or a redirect. One that is recorded
// already with the same meaning is fine; another gives a Problem
// "address-taken".
func (s *Store) AddAddress(ctx context.Context, a appliance.Address) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		var kind appliance.AddressKind
		err := tx.QueryRowContext(ctx, `SELECT kind FROM address WHERE host = ? AND target = ?`, a.Host, a.Target).Scan(&kind)
		if err == nil && kind == a.Kind && kind != appliance.ToService {
			return nil
		}
		return insertAddress(ctx, tx, a, 0)
	})
}

// DeleteAddress forgets the address of a site or redirect. What else answers at
// the host by now stays, and an unknown host is fine, so that undoing can
// repeat it.
func (s *Store) DeleteAddress(ctx context.Context, host hostname.Name, kind appliance.AddressKind) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM address WHERE host = ? AND kind = ? AND kind <> 'service'`, host, kind)
		return err
	})
}

func insertAddress(ctx context.Context, tx *sql.Tx, a appliance.Address, seq int) error {
	install := sql.NullString{String: string(a.Install), Valid: a.Install != ""}
	_, err := tx.ExecContext(ctx, `INSERT INTO address (host, kind, install, web, target, seq) VALUES (?, ?, ?, ?, ?, ?)`,
		a.Host, a.Kind, install, a.Web, a.Target, seq)
	if sqlitedb.IsUnique(err) {
		return appliance.AddressTaken(a.Host)
	}
	if err != nil {
		return fmt.Errorf("insert address: %w", err)
	}
	return nil
}
