// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"coopkit/desk/wire"
	"coopkit/internal/logkey"
)

const (
	keepJournal = 3 * time.Hour
	keepUnused  = 30 * 24 * time.Hour // of invitations that expired
	keepEvents  = 500                 // of each box
	chunk       = 200                 // boxes or rows at a time, so that reports do not wait
)

// upkeep keeps the records small, each minute, in chunks between reports.
func (s *Store) upkeep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.keepHouse(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("upkeep not done", slog.String(logkey.Err, err.Error()))
			}
		}
	}
}

// keepHouse writes buckets that have ended and forgets what is old.
func (s *Store) keepHouse(ctx context.Context) error {
	err := s.change(ctx, func(ctx context.Context, b *batch) error {
		if _, err := b.tx.ExecContext(ctx, `DELETE FROM invitation WHERE used IS NULL AND expires < ?`, b.now.Add(-keepUnused).UnixMilli()); err != nil {
			return fmt.Errorf("prune invitations: %w", err)
		}
		return markAlive(ctx, b.tx, b.now)
	})
	if err != nil {
		return err
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	if err := s.pruneJournal(ctx); err != nil {
		return err
	}
	return s.pruneBoxes(ctx)
}

// catchUp writes how far the boxes have come, and the buckets to which nothing
// more is added.
func (s *Store) catchUp(ctx context.Context) error {
	open := s.now().Truncate(short).Unix()
	var behind []wire.BoxID
	s.mu.RLock()
	for id, l := range s.boxes {
		if l.unsaved || l.b.samples > 0 && l.b.start < open {
			behind = append(behind, id)
		}
	}
	s.mu.RUnlock()
	for some := range slices.Chunk(behind, chunk) {
		err := s.change(ctx, func(ctx context.Context, b *batch) error {
			for _, id := range some {
				l := b.draft(id)
				l.changed = true
				if l.b.start >= open {
					continue
				}
				if err := b.closeBucket(ctx, l); err != nil {
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

// pruneJournal forgets reports that nothing needs any more. Their numbers grow
// with time, so the oldest come first; the last one stays, so that its number is
// not used again.
func (s *Store) pruneJournal(ctx context.Context) error {
	for before := s.now().Add(-keepJournal).UnixMilli(); ; {
		var gone int64
		err := s.change(ctx, func(ctx context.Context, b *batch) error {
			done, err := b.tx.ExecContext(ctx, `DELETE FROM journal WHERE id <= (SELECT max(id) FROM (SELECT id, at FROM journal ORDER BY id LIMIT ?) WHERE at < ?) AND id < (SELECT max(id) FROM journal)`, chunk, before)
			if err != nil {
				return fmt.Errorf("prune journal: %w", err)
			}
			gone, err = done.RowsAffected()
			return err
		})
		if err != nil || gone < chunk {
			return err
		}
	}
}

// pruneBoxes forgets old history of the boxes, a part of them each minute, so
// that all have had their turn after an hour.
func (s *Store) pruneBoxes(ctx context.Context) error {
	now := s.now()
	s.mu.RLock()
	var turn []int64
	for n := range s.numbers {
		if n%60 == int64(now.Minute()) {
			turn = append(turn, n)
		}
	}
	s.mu.RUnlock()
	for some := range slices.Chunk(turn, chunk) {
		err := s.change(ctx, func(ctx context.Context, b *batch) error {
			for _, n := range some {
				if err := b.prune(ctx, n); err != nil {
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

func (b *batch) prune(ctx context.Context, n int64) error {
	for length, keep := range map[time.Duration]time.Duration{short: keepShort, long: keepLong} {
		if _, err := b.tx.ExecContext(ctx, `DELETE FROM bucket WHERE length = ? AND box = ? AND start < ?`, int64(length.Seconds()), n, b.now.Add(-keep).Unix()); err != nil {
			return fmt.Errorf("prune history: %w", err)
		}
	}
	if _, err := b.tx.ExecContext(ctx, `DELETE FROM event WHERE box = ?1 AND id <= (SELECT id FROM event WHERE box = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`, n, keepEvents); err != nil {
		return fmt.Errorf("prune events: %w", err)
	}
	return nil
}
