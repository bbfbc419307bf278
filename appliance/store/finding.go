// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"coopkit/appliance"
	"coopkit/appliance/health"
	"coopkit/internal/sqlitedb"
)

var _ health.Store = (*Store)(nil)

// LoadFindings implements health.Store.
func (s *Store) LoadFindings(ctx context.Context) ([]appliance.Finding, error) {
	texts, err := sqlitedb.Query(ctx, s.db.Read(), scanText, `SELECT finding FROM finding ORDER BY code, subject`)
	var all []appliance.Finding
	for _, text := range texts {
		var f appliance.Finding
		if bad := json.Unmarshal([]byte(text), &f); bad != nil {
			err = errors.Join(err, fmt.Errorf("read a finding: %w", bad))
			continue
		}
		all = append(all, f)
	}
	return all, err
}

// SaveFindings implements health.Store.
func (s *Store) SaveFindings(ctx context.Context, findings []appliance.Finding) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM finding`); err != nil {
			return fmt.Errorf("replace findings: %w", err)
		}
		for _, f := range findings {
			text, err := encode(f)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO finding (code, subject, finding) VALUES (?, ?, ?)`, f.Code, f.Subject, text); err != nil {
				return fmt.Errorf("insert finding: %w", err)
			}
		}
		return nil
	})
}
