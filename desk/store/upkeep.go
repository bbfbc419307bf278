// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/sqlitedb"
)

const (
	keepJournal = 3 * time.Hour
	keepGone    = 90 * 24 * time.Hour // a box that left, as long as its history
	keepUnused  = 30 * 24 * time.Hour // of invitations that expired
	keepEvents  = 500                 // of each box
	chunk       = 200                 // boxes or rows at a time, so that reports do not wait
)

// Run keeps the records small until ctx ends: each minute, in chunks between
// reports.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.keepHouse(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("upkeep not done", slog.String(logkey.Err, err.Error()))
			}
		}
	}
}

// keepHouse marks that a desk runs, and forgets what is old.
func (s *Store) keepHouse(ctx context.Context) error {
	err := s.write(ctx, func(t *txn) error {
		_, marked := t.ExecContext(ctx, `UPDATE desk SET alive = ?`, t.now.UnixMilli())
		_, pruned := t.ExecContext(ctx, `DELETE FROM invitation WHERE used IS NULL AND expires < ?`, t.now.Add(-keepUnused).UnixMilli())
		return errors.Join(marked, pruned)
	})
	if err != nil {
		return fmt.Errorf("mark that the desk runs: %w", err)
	}
	now := s.now()
	// Numbers of the journal grow with time, so the oldest come first; the last one
	// stays, so that its number is not used again.
	if err := s.prune(ctx, `DELETE FROM journal WHERE id IN (SELECT id FROM (SELECT id, at FROM journal ORDER BY id LIMIT ?2) WHERE at < ?1)
		AND id < (SELECT max(id) FROM journal)`, now.Add(-keepJournal)); err != nil {
		return err
	}
	if err := s.pruneBoxes(ctx, now); err != nil {
		return err
	}
	return s.forget(ctx, now.Add(-keepGone))
}

// prune deletes what is older than before, as often as a chunk is full.
func (s *Store) prune(ctx context.Context, text string, before time.Time) error {
	for {
		var deleted int64
		err := s.write(ctx, func(t *txn) error {
			done, err := t.ExecContext(ctx, text, before.UnixMilli(), chunk)
			if err != nil {
				return fmt.Errorf("prune: %w", err)
			}
			deleted, err = done.RowsAffected()
			return err
		})
		if err != nil || deleted < chunk {
			return err
		}
	}
}

// pruneBoxes forgets old history of the boxes, a part of them each minute, so
// that all have had their turn after an hour.
func (s *Store) pruneBoxes(ctx context.Context, now time.Time) error {
	turn, err := sqlitedb.Query(ctx, s.db.Read(), scanNumber, `SELECT n FROM box WHERE n % 60 = ?`, now.Minute())
	if err != nil {
		return fmt.Errorf("list boxes: %w", err)
	}
	for some := range slices.Chunk(turn, chunk) {
		err := s.write(ctx, func(t *txn) error {
			for _, n := range some {
				if err := t.pruneBox(ctx, n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func scanNumber(rows *sql.Rows) (n int64, err error) { return n, rows.Scan(&n) }

func (t *txn) pruneBox(ctx context.Context, n int64) error {
	for length, keep := range map[time.Duration]time.Duration{short: keepShort, long: keepLong} {
		if _, err := t.ExecContext(ctx, `DELETE FROM bucket WHERE length = ? AND box = ? AND start < ?`, int64(length.Seconds()), n, t.now.Add(-keep).Unix()); err != nil {
			return fmt.Errorf("prune history: %w", err)
		}
	}
	if _, err := t.ExecContext(ctx, `DELETE FROM event WHERE box = ?1 AND id <= (SELECT id FROM event WHERE box = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`, n, keepEvents); err != nil {
		return fmt.Errorf("prune events: %w", err)
	}
	return nil
}

// forget deletes the boxes that left before a time, with all that is known of
// them, each in a transaction of its own.
func (s *Store) forget(ctx context.Context, before time.Time) error {
	old, err := sqlitedb.Query(ctx, s.db.Read(), scanNumber, `SELECT n FROM box WHERE gone < ? LIMIT ?`, before.UnixMilli(), chunk)
	if err != nil {
		return fmt.Errorf("list boxes that left: %w", err)
	}
	for _, n := range old {
		err := s.write(ctx, func(t *txn) error {
			for _, text := range []string{
				`DELETE FROM bucket WHERE length IN (600, 3600) AND box = ?`, `DELETE FROM event WHERE box = ?`, `DELETE FROM finding WHERE box = ?`,
				`DELETE FROM progress WHERE box = ?`, `DELETE FROM invitation WHERE box = (SELECT id FROM box WHERE n = ?)`, `DELETE FROM box WHERE n = ?`,
			} {
				if _, err := t.ExecContext(ctx, text, n); err != nil {
					return fmt.Errorf("forget a box that left: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
