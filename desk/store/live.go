// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/sqlitedb"
)

// live is one box in memory: what is needed to take its report and to sort the
// fleet, no texts. It is copied to be changed (see batch), so it is flat.
type live struct {
	n               int64
	id              wire.BoxID
	coop, caretaker desk.CoopID
	name            string
	key             ed25519.PublicKey
	link            [32]byte
	words           string
	joined          int64
	kept            string
	agent           string // version
	backup, proven  int64  // from the facts; ms
	sample          wire.Sample
	worst           int   // severity of the worst open finding
	open            int   // how many findings
	since           int64 // of the worst
	p               progress
	b               bucket // not written yet
	unsaved         bool   // p is ahead of its row; the journal has the difference,
	changed         bool   // or has it not, so that the row must be written now
}

// What a box is kept as; the other states follow from the clock.
const (
	keptPending   = "pending"
	keptActive    = "active"
	keptSuspected = "suspected"
	keptLeft      = "left"
)

// state is what is known of the box at now. The time when this desk did not run
// is not held against the box.
func (s *Store) state(l *live, now time.Time) desk.BoxState {
	switch l.kept {
	case keptPending:
		return desk.BoxPending
	case keptLeft:
		return desk.BoxLeft
	}
	seen := at(max(l.p.seen, l.joined))
	if !s.died.IsZero() && !seen.After(s.died) {
		seen = seen.Add(s.started.Sub(s.died))
	}
	state := desk.StateAt(seen, now, s.period)
	if l.kept == keptSuspected && state != desk.BoxUnreachable {
		return desk.BoxSuspected
	}
	return state
}

// load reads everything into memory, and catches up from the journal with what
// was not written elsewhere when the desk ended.
func (s *Store) load(ctx context.Context) error {
	s.boxes, s.numbers, s.coops = map[wire.BoxID]*live{}, map[int64]*live{}, map[desk.CoopID]desk.Coop{}
	s.started = s.now()
	if err := s.loadCoops(ctx); err != nil {
		return err
	}
	boxes, err := sqlitedb.Query(ctx, s.db.Read(), scanLive, `SELECT b.n, b.id, b.coop, coalesce(b.caretaker, ''), b.name, b.key, b.link, b.words, b.joined, b.kept,
			coalesce(b.sample, '{}'), b.facts, p.seen, p.sent, p.first, p.heads, p.lost, p.complete, p.restored, p.rolled, p.epoch
		FROM box b JOIN progress p ON p.box = b.n`)
	if err != nil {
		return fmt.Errorf("load boxes: %w", err)
	}
	for _, l := range boxes {
		s.boxes[l.id], s.numbers[l.n] = l, l
	}
	if err := s.loadWorst(ctx); err != nil {
		return err
	}
	if err := s.replay(ctx); err != nil {
		return err
	}
	return s.loadDied(ctx)
}

func scanLive(rows *sql.Rows) (*live, error) {
	l := &live{}
	var link, heads, facts, sample []byte
	err := rows.Scan(&l.n, &l.id, &l.coop, &l.caretaker, &l.name, &l.key, &link, &l.words, &l.joined, &l.kept,
		&sample, &facts, &l.p.seen, &l.p.sent, &l.p.first, &heads, &l.p.lost, &l.p.complete, &l.p.restored, &l.p.rolled, &l.p.epoch)
	if err != nil {
		return nil, err
	}
	copy(l.link[:], link)
	if l.p.heads, err = readHeads(heads); err != nil {
		return nil, err
	}
	var f wire.Facts
	if err := json.Unmarshal(facts, &f); err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	l.take(f)
	if err := json.Unmarshal(sample, &l.sample); err != nil {
		return nil, fmt.Errorf("read sample: %w", err)
	}
	return l, nil
}

// take keeps in memory what the fleet shows of facts.
func (l *live) take(f wire.Facts) {
	if f.Name != "" {
		l.name = f.Name
	}
	l.agent, l.backup, l.proven = f.Agent, 0, 0
	if f.Backup != nil {
		l.backup, l.proven = millis(f.Backup.Last.Time).Int64, millis(f.Backup.Proven.Time).Int64
		if f.Backup.Last.IsZero() {
			l.backup = 0
		}
		if f.Backup.Proven.IsZero() {
			l.proven = 0
		}
	}
}

func (s *Store) loadWorst(ctx context.Context) error {
	_, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (struct{}, error) {
		var n, since int64
		var severity int
		err := rows.Scan(&n, &severity, &since)
		if l := s.numbers[n]; l != nil {
			l.count(severity, since)
		}
		return struct{}{}, err
	}, `SELECT box, severity, since FROM finding`)
	if err != nil {
		return fmt.Errorf("load findings: %w", err)
	}
	return nil
}

// count adds one open finding.
func (l *live) count(severity int, since int64) {
	l.open++
	if severity > l.worst || severity == l.worst && since < l.since {
		l.worst, l.since = severity, since
	}
}

// replay takes from the journal what the rows of progress and bucket do not
// have: those are written later than reports.
func (s *Store) replay(ctx context.Context) error {
	type row struct {
		at, n int64
		body  []byte
	}
	rows, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (r row, err error) {
		return r, rows.Scan(&r.at, &r.n, &r.body)
	}, `SELECT j.at, j.box, j.body FROM journal j JOIN progress p ON p.box = j.box WHERE j.id > p.epoch AND j.last > p.rolled ORDER BY j.id`)
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		b := &batch{s: s, tx: tx, drafts: s.boxes}
		for _, row := range rows {
			if err := b.again(ctx, s.numbers[row.n], at(row.at), row.body); err != nil {
				return fmt.Errorf("read report in journal: %w", err)
			}
		}
		return nil
	})
}

// again takes one report of the journal as it was taken when it came, but for
// what was written then.
func (b *batch) again(ctx context.Context, l *live, received time.Time, body []byte) error {
	r, entries, err := wire.DecodeReport(body)
	if err != nil {
		return err
	}
	for i, e := range r.Entries {
		number := r.First + uint64(i)
		if e.Sample == nil || number <= l.p.rolled || number < l.b.next {
			continue
		}
		if err := b.roll(ctx, l, number, moved(e.At, r.Sent, received), *e.Sample); err != nil {
			return err
		}
	}
	if r.Last() > l.p.last() {
		l.accept(&r, headsOf(&r, entries), received)
	}
	return nil
}

// loadDied finds out when this desk last ran: at the last mark, or when it last
// took a report. Who only opens the records, like a command, leaves no mark.
func (s *Store) loadDied(ctx context.Context) error {
	marks, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (ms int64, err error) { return ms, rows.Scan(&ms) }, `SELECT alive FROM desk`)
	if err != nil {
		return fmt.Errorf("read when the desk last ran: %w", err)
	}
	var last int64
	for _, ms := range marks {
		last = ms
	}
	for _, l := range s.boxes {
		last = max(last, l.p.seen)
	}
	if at(last).Before(s.started) {
		s.died = at(last)
	}
	return nil
}

func markAlive(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO desk (one, alive) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET alive = excluded.alive`, now.UnixMilli()); err != nil {
		return fmt.Errorf("note that the desk runs: %w", err)
	}
	return nil
}
