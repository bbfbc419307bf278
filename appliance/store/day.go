// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
)

// daysKept is how many days are kept.
const daysKept = 31

// KeepDay implements health.Store. It also drops the oldest days.
func (s *Store) KeepDay(ctx context.Context, day appliance.Day) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		worst := maps.Clone(day.Worst)
		if worst == nil {
			worst = map[string]appliance.Severity{}
		}
		worst[""] = max(worst[""], appliance.OK) // the day itself
		for _, subject := range slices.Sorted(maps.Keys(worst)) {
			if _, err := tx.ExecContext(ctx, `INSERT INTO day (date, subject, worst) VALUES (?, ?, ?)
				ON CONFLICT (date, subject) DO UPDATE SET worst = max(worst, excluded.worst)`, day.Date, subject, int(worst[subject])); err != nil {
				return fmt.Errorf("keep day: %w", err)
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM day WHERE date NOT IN (SELECT DISTINCT date FROM day ORDER BY date DESC LIMIT ?)`, daysKept)
		return err
	})
}

// Days implements health.Store.
func (s *Store) Days(ctx context.Context, from string) ([]appliance.Day, error) {
	var days []appliance.Day
	_, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (none struct{}, err error) {
		var date, subject string
		var worst appliance.Severity
		if err := rows.Scan(&date, &subject, &worst); err != nil {
			return none, err
		}
		if len(days) == 0 || days[len(days)-1].Date != date {
			days = append(days, appliance.Day{Date: date, Looked: true, Worst: map[string]appliance.Severity{}})
		}
		if worst > appliance.OK {
			days[len(days)-1].Worst[subject] = worst
		}
		return none, nil
	}, `SELECT date, subject, worst FROM day WHERE date >= ? ORDER BY date, subject`, from)
	return days, err
}
