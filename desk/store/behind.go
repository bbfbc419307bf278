// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"

	"coopkit/desk/wire"
	"coopkit/internal/sqlitedb"
)

// catchUp belongs to migration 2. The first version wrote progress and buckets
// later than reports; what is only in its journal goes into rows now.
func catchUp(ctx context.Context, tx *sql.Tx) error {
	type report struct {
		at, n, rolled int64
		worst         int
		body          []byte
	}
	behind, err := sqlitedb.Query(ctx, tx, func(rows *sql.Rows) (r report, err error) {
		return r, rows.Scan(&r.at, &r.n, &r.rolled, &r.worst, &r.body)
	}, `SELECT j.at, j.box, p.rolled, b.worst, j.body FROM journal j JOIN progress p ON p.box = j.box JOIN box b ON b.n = j.box
		WHERE j.id > p.epoch AND j.last > p.rolled ORDER BY j.id`)
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	done := map[int64]uint64{} // the last entry of each box that is in its rows
	for _, b := range behind {
		r, entries, err := wire.DecodeReport(b.body)
		if err != nil {
			return fmt.Errorf("read report in journal: %w", err)
		}
		last := max(done[b.n], uint64(b.rolled)) //nolint:gosec // far below 1<<63
		for i, e := range r.Entries {
			number := r.First + uint64(i)
			if e.Sample == nil || number <= last {
				continue
			}
			if err := catchUpSample(ctx, tx, b.n, moved(e.At, r.Sent, at(b.at)).Unix(), b.worst, e.Sample); err != nil {
				return err
			}
		}
		done[b.n] = max(last, r.Last())
		if _, err := tx.ExecContext(ctx, `UPDATE progress SET seen = ?1, sent = ?2, first = ?3, heads = ?4 WHERE box = ?5 AND first + length(heads) / 16 - 2 < ?6`,
			b.at, r.Sent.UnixMilli(), int64(r.First), headsBlob(headsOf(&r, entries)), b.n, int64(r.Last())); err != nil { //nolint:gosec // as above
			return fmt.Errorf("write progress: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `ALTER TABLE progress DROP COLUMN rolled; ALTER TABLE progress DROP COLUMN epoch`); err != nil {
		return fmt.Errorf("drop columns: %w", err)
	}
	return nil
}

func catchUpSample(ctx context.Context, tx *sql.Tx, n, at int64, worst int, s *wire.Sample) error {
	text, err := encode(s)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, addSample, n, at, worst, s.Apps, s.Load, share(s.MemoryUsed, s.Memory), share(s.DiskUsed, s.Disk), float64(s.AppsUp)); err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE progress SET sample = ? WHERE box = ?`, text, n); err != nil {
		return fmt.Errorf("write newest sample: %w", err)
	}
	return nil
}
