// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"

	"coopkit/desk/wire"
)

// Keys are what the messages of a box are checked and answered with.
type Keys struct {
	Box  ed25519.PublicKey
	Link [32]byte
}

// Keys returns the keys of a box that may send; one that is unknown or has left
// gives a Problem "box-gone".
func (s *Store) Keys(id wire.BoxID) (Keys, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := s.boxes[id]
	if l == nil || l.kept == keptLeft {
		return Keys{}, gone()
	}
	return Keys{Box: l.key, Link: l.link}, nil
}

// Leave notes that the box goes by itself. What it reported stays.
func (s *Store) Leave(ctx context.Context, id wire.BoxID, reason string) error {
	return s.change(ctx, func(ctx context.Context, b *batch) error {
		l := b.draft(id)
		if l == nil || l.kept == keptLeft {
			return gone()
		}
		return b.leave(ctx, l, Event{Kind: EventLeft, Text: reason})
	})
}

// leave ends the life of a box at this desk.
func (b *batch) leave(ctx context.Context, l *live, why Event) error {
	if err := b.closeBucket(ctx, l); err != nil {
		return err
	}
	if _, err := b.tx.ExecContext(ctx, `DELETE FROM finding WHERE box = ?`, l.n); err != nil {
		return fmt.Errorf("delete findings: %w", err)
	}
	l.open, l.worst, l.since = 0, 0, 0
	if err := b.keep(ctx, l, keptLeft); err != nil {
		return err
	}
	return b.event(ctx, l, why)
}

func (b *batch) keep(ctx context.Context, l *live, kept string) error {
	l.kept = kept
	if _, err := b.tx.ExecContext(ctx, `UPDATE box SET kept = ?, joined = ? WHERE n = ?`, kept, l.joined, l.n); err != nil {
		return fmt.Errorf("write state of box: %w", err)
	}
	return nil
}

func joinWords(words [4]string) string { return strings.Join(words[:], " ") }

func splitWords(text string) (words [4]string) {
	copy(words[:], strings.Fields(text))
	return words
}
