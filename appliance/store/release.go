// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"coopkit/appliance"
)

// AddRelease records a release with the zip of its recipe's folder and makes it
// the current one. Recording the same number again replaces it, so that a
// repeated step is harmless.
func (s *Store) AddRelease(ctx context.Context, rel appliance.Release, folder []byte) error {
	images, err := encode(rel.Images)
	if err != nil {
		return err
	}
	settings, err := encode(rel.Settings)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO release (install, number, version, images, settings, folder, created) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			rel.Install, rel.Number, rel.Version, images, settings, folder, millis(rel.Created)); err != nil {
			return fmt.Errorf("insert release: %w", err)
		}
		_, err := tx.ExecContext(ctx, `UPDATE install SET release = ? WHERE name = ?`, rel.Number, rel.Install)
		return err
	})
}

// Release returns one release and the zip of its recipe's folder.
func (s *Store) Release(ctx context.Context, name appliance.InstallName, number int) (rel appliance.Release, folder []byte, err error) {
	var images, settings string
	var created sql.NullInt64
	rel.Install, rel.Number = name, number
	if err := s.db.Read().QueryRowContext(ctx, `SELECT version, images, settings, folder, created FROM release WHERE install = ? AND number = ?`, name, number).
		Scan(&rel.Version, &images, &settings, &folder, &created); err != nil {
		return rel, nil, fmt.Errorf("read release %d of %s: %w", number, name, err)
	}
	rel.Created = moment(created)
	if err := json.Unmarshal([]byte(images), &rel.Images); err != nil {
		return rel, nil, fmt.Errorf("decode images: %w", err)
	}
	if err := json.Unmarshal([]byte(settings), &rel.Settings); err != nil {
		return rel, nil, fmt.Errorf("decode settings: %w", err)
	}
	return rel, folder, nil
}
