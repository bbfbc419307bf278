// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// locked returns until when key is refused; the zero time if it is not.
func (s *Store) locked(ctx context.Context, key string) (time.Time, error) {
	var ms int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT locked FROM signin_failure WHERE key = ?`, key).Scan(&ms)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && ms == 0:
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("look for locks: %w", err)
	}
	return moment(ms), nil
}

// fail counts one more wrong attempt for each key and reports whether one of
// them is locked now.
func (s *Store) fail(ctx context.Context, keys []failureKey, now time.Time) (locked bool, _ error) {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		for _, k := range keys {
			lock, err := failOne(ctx, tx, k, now)
			if err != nil {
				return err
			}
			locked = locked || lock
		}
		return nil
	})
	return locked && err == nil, err
}

func failOne(ctx context.Context, tx *sql.Tx, k failureKey, now time.Time) (locked bool, _ error) {
	var count int
	err := tx.QueryRowContext(ctx, `SELECT count FROM signin_failure WHERE key = ? AND last > ?`, k.key, now.Add(-forgotten).UnixMilli()).Scan(&count)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("read failures: %w", err)
	}
	count++
	var until int64
	lock := lockFor(count, k.tries)
	if lock > 0 {
		until = now.Add(lock).UnixMilli()
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO signin_failure (key, count, last, locked) VALUES (?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET count = excluded.count, last = excluded.last, locked = excluded.locked`,
		k.key, count, now.UnixMilli(), until)
	if err != nil {
		return false, fmt.Errorf("count failure: %w", err)
	}
	return lock > 0, nil
}

// forgive forgets what was counted; most often there is nothing to write.
func (s *Store) forgive(ctx context.Context, key string) error {
	var counted bool
	if err := s.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM signin_failure WHERE key = ?)`, key).Scan(&counted); err != nil {
		return fmt.Errorf("look for failures: %w", err)
	}
	if !counted {
		return nil
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error { return forgiveIn(ctx, tx, key) })
}

func forgiveIn(ctx context.Context, tx *sql.Tx, keys ...string) error {
	for _, key := range keys {
		if _, err := tx.ExecContext(ctx, `DELETE FROM signin_failure WHERE key = ?`, key); err != nil {
			return fmt.Errorf("forgive failures: %w", err)
		}
	}
	return nil
}
