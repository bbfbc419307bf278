// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/sqlitedb"
)

// What a box is kept as; the other states follow from the clock.
const (
	keptPending   = "pending"
	keptActive    = "active"
	keptSuspected = "suspected"
	keptLeft      = "left"
)

// summary is what the fleet shows and sorts by: there are thousands.
type summary struct {
	n               int64
	id              wire.BoxID
	coop, caretaker desk.CoopID
	name            string
	kept            string
	joined, seen    int64 // ms; seen 0: no report yet
	heard           int64 // last report, or when it joined; later by the time in which no desk ran
	agent           string
	backup, proven  int64
	open, worst     int
	since           int64 // of the worst
}

const selectSummary = `SELECT t.n, t.id, t.coop, coalesce(t.caretaker, ''), t.name, t.kept, t.joined, p.seen,
		max(p.seen, t.joined) + max(d.away_until - max(p.seen, t.joined, d.away_from), 0),
		t.agent, t.backup, t.proven, t.open, t.worst, t.since FROM box t JOIN progress p ON p.box = t.n CROSS JOIN desk d`

func scanSummary(rows *sql.Rows) (b summary, err error) {
	return b, rows.Scan(&b.n, &b.id, &b.coop, &b.caretaker, &b.name, &b.kept, &b.joined, &b.seen, &b.heard,
		&b.agent, &b.backup, &b.proven, &b.open, &b.worst, &b.since)
}

// record is what the desk decides by about one box, read in the transaction
// that changes it. It has few columns: it is read for every report.
type record struct {
	n     int64
	id    wire.BoxID
	kept  string
	worst int   // severity of the worst open finding
	seen  int64 // ms, by the desk's clock; 0: no report yet
	p     progress
}

const selectRecord = `SELECT t.n, t.id, t.kept, t.worst, p.seen, p.sent, p.first, p.heads, p.lost, p.complete, p.restored FROM box t JOIN progress p ON p.box = t.n`

func scanRecord(rows *sql.Rows) (*record, error) {
	b := &record{}
	var heads []byte
	err := rows.Scan(&b.n, &b.id, &b.kept, &b.worst, &b.seen, &b.p.sent, &b.p.first, &heads, &b.p.lost, &b.p.complete, &b.p.restored)
	if err != nil {
		return nil, err
	}
	b.p.heads, err = readHeads(heads)
	return b, err
}

// boxes returns those of the ids that there are.
func (t *txn) boxes(ctx context.Context, ids ...wire.BoxID) (map[wire.BoxID]*record, error) {
	list, err := encode(ids)
	if err != nil {
		return nil, err
	}
	found, err := sqlitedb.QueryPrepared(ctx, t.fixed.find, scanRecord, list)
	if err != nil {
		return nil, fmt.Errorf("read boxes: %w", err)
	}
	out := make(map[wire.BoxID]*record, len(found))
	for _, b := range found {
		out[b.id] = b
	}
	return out, nil
}

// silence is after how long without a report a box is unreachable.
func (s *Store) silence() time.Duration { return desk.Silence(s.period) }

// state is what is known of the box at now.
func (s *Store) state(b *summary, now time.Time) desk.BoxState {
	switch b.kept {
	case keptPending:
		return desk.BoxPending
	case keptLeft:
		return desk.BoxLeft
	}
	state := desk.StateAt(at(b.heard), now, s.period)
	if b.kept == keptSuspected && state != desk.BoxUnreachable {
		return desk.BoxSuspected
	}
	return state
}

// Keys are what the messages of a box are checked and answered with.
type Keys struct {
	Box  ed25519.PublicKey
	Link [32]byte
}

// Keys returns the keys of a box; one that is unknown, or had left when it was
// asked for first, gives a Problem "box-gone". Keys never change, so they may be
// remembered; whether the box may still send is decided when it does.
func (s *Store) Keys(ctx context.Context, id wire.BoxID) (Keys, error) {
	if k, ok := s.keys.Load(id); ok {
		return k.(Keys), nil
	}
	var k Keys
	var link []byte
	err := s.db.Read().QueryRowContext(ctx, `SELECT key, link FROM box WHERE id = ? AND kept <> '`+keptLeft+`'`, id).Scan(&k.Box, &link)
	if errors.Is(err, sql.ErrNoRows) {
		return k, gone()
	}
	if err != nil {
		return k, fmt.Errorf("read keys: %w", err)
	}
	copy(k.Link[:], link)
	s.keys.Store(id, k)
	return k, nil
}

// Leave notes that the box leaves of its own accord. What it reported stays for a while.
func (s *Store) Leave(ctx context.Context, id wire.BoxID, reason string) error {
	return s.write(ctx, func(t *txn) error {
		found, err := t.boxes(ctx, id)
		if err != nil {
			return err
		}
		b := found[id]
		if b == nil || b.kept == keptLeft {
			return gone()
		}
		return t.leave(ctx, b, Event{Kind: EventLeft, Text: reason})
	})
}

// leave ends the life of a box at this desk.
func (t *txn) leave(ctx context.Context, b *record, why Event) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM finding WHERE box = ?`, b.n); err != nil {
		return fmt.Errorf("delete findings: %w", err)
	}
	if err := t.recount(ctx, b); err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, `UPDATE box SET gone = ? WHERE n = ?`, t.now.UnixMilli(), b.n); err != nil {
		return fmt.Errorf("note that the box left: %w", err)
	}
	if err := t.keep(ctx, b, keptLeft); err != nil {
		return err
	}
	return t.event(ctx, b, why)
}

func (t *txn) keep(ctx context.Context, b *record, kept string) error {
	b.kept = kept
	if _, err := t.ExecContext(ctx, `UPDATE box SET kept = ? WHERE n = ?`, kept, b.n); err != nil {
		return fmt.Errorf("write state of box: %w", err)
	}
	return nil
}

func joinWords(words [4]string) string { return strings.Join(words[:], " ") }

func splitWords(text string) (words [4]string) {
	copy(words[:], strings.Fields(text))
	return words
}
