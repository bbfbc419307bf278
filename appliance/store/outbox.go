// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"coopkit/appliance/support"
	"coopkit/internal/sqlitedb"
)

// row is an item of the outbox with its place in it.
type row struct {
	support.Item
	id int64
}

// outbox returns the items that a constant condition selects.
func outbox(ctx context.Context, q sqlitedb.Querier, condition string) ([]row, error) {
	return sqlitedb.Query(ctx, q, func(rows *sql.Rows) (r row, err error) {
		var seq sql.NullInt64
		var at int64
		if err := rows.Scan(&r.id, &seq, &r.Kind, &at, &r.Body); err != nil {
			return r, err
		}
		r.Seq, r.At = uint64(seq.Int64), time.UnixMilli(at).UTC() //nolint:gosec // numbers count from 1
		return r, nil
	}, `SELECT id, seq, kind, at, body FROM outbox `+condition)
}

// Tell implements support.Store.
func (s *Store) Tell(ctx context.Context, items []support.Item, told support.Told, keep support.Keep) error {
	findings, err := encode(told.Findings)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		for _, i := range items {
			if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (kind, at, body) VALUES (?, ?, ?)`, i.Kind, i.At.UnixMilli(), i.Body); err != nil {
				return fmt.Errorf("append to outbox: %w", err)
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE desk_link SET told_facts = ?, told_findings = ?`, told.Facts, findings); err != nil {
			return fmt.Errorf("record what is told: %w", err)
		}
		return thin(ctx, tx, keep)
	})
}

// thin drops the oldest samples that are too many, and lets Missing stand for
// them, where the first one was.
func thin(ctx context.Context, tx *sql.Tx, keep support.Keep) error {
	surplus, err := surplus(ctx, tx, keep)
	if err != nil || len(surplus) == 0 {
		return err
	}
	at := surplus[0].id
	var earlier *support.Item
	missing, err := outbox(ctx, tx, `WHERE kind = 'missing' AND seq IS NULL ORDER BY id LIMIT 1`)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		at, earlier = missing[0].id, &missing[0].Item
	}
	times := make([]time.Time, len(surplus))
	for i, r := range surplus {
		times[i] = r.At
		if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE id = ?`, r.id); err != nil {
			return fmt.Errorf("drop sample: %w", err)
		}
	}
	item, err := support.Missing(earlier, times)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (id, kind, at, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET at = excluded.at, body = excluded.body`, at, item.Kind, item.At.UnixMilli(), item.Body); err != nil {
		return fmt.Errorf("record what is missing: %w", err)
	}
	return nil
}

// surplus lists the samples that are beyond what is kept.
func surplus(ctx context.Context, tx *sql.Tx, keep support.Keep) ([]row, error) {
	var samples int
	var bytes int64
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE kind = 'sample' AND seq IS NULL), coalesce(sum(length(body)), 0) FROM outbox`).
		Scan(&samples, &bytes); err != nil {
		return nil, fmt.Errorf("measure outbox: %w", err)
	}
	if samples <= keep.Samples && bytes <= keep.Bytes {
		return nil, nil
	}
	all, err := outbox(ctx, tx, `WHERE kind = 'sample' AND seq IS NULL ORDER BY id`)
	if err != nil {
		return nil, err
	}
	n := max(0, samples-keep.Samples)
	for _, r := range all[:n] {
		bytes -= int64(len(r.Body))
	}
	for ; n < len(all) && bytes > keep.Bytes; n++ {
		bytes -= int64(len(all[n].Body))
	}
	return all[:n], nil
}

// Freeze implements support.Store.
func (s *Store) Freeze(ctx context.Context, fits func([]support.Item) int) ([]support.Item, error) {
	frozen, err := outbox(ctx, s.db.Read(), `WHERE seq IS NOT NULL ORDER BY seq`)
	if err != nil || len(frozen) > 0 {
		return items(frozen), err
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		next, err := outbox(ctx, tx, `ORDER BY id LIMIT 100`)
		if err != nil {
			return err
		}
		var acked uint64
		if err := tx.QueryRowContext(ctx, `SELECT acked FROM desk_link`).Scan(&acked); err != nil {
			return fmt.Errorf("read link: %w", err)
		}
		frozen = next[:fits(items(next))]
		for i := range frozen {
			frozen[i].Seq = acked + uint64(i) + 1
			if _, err := tx.ExecContext(ctx, `UPDATE outbox SET seq = ? WHERE id = ?`, frozen[i].Seq, frozen[i].id); err != nil {
				return fmt.Errorf("number entry: %w", err)
			}
		}
		return nil
	})
	return items(frozen), err
}

func items(rows []row) []support.Item {
	out := make([]support.Item, len(rows))
	for i, r := range rows {
		out[i] = r.Item
	}
	return out
}

// Waiting implements support.Store.
func (s *Store) Waiting(ctx context.Context) (n int, err error) {
	err = s.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM outbox`).Scan(&n)
	return n, err
}
