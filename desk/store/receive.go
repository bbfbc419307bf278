// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"coopkit/desk/wire"
	"coopkit/internal/problem"
)

// Stored is what became of a report that is durable now.
type Stored struct {
	Last uint64 // number of the last entry that is stored
	Full bool   // the desk wants the box to tell everything that is open
}

// arrival is a report on its way to the writer, and what became of it.
type arrival struct {
	report  *wire.Report
	body    []byte
	heads   []wire.Head
	stored  Stored
	refused error // a Problem, when the report as such was handled but not taken
}

// waits are for reports that wait for the writer.
var waits = sync.Pool{New: func() any { return &write{report: &arrival{}, done: make(chan error, 1)} }}

// Receive stores a report whose signature was checked. entries are the bytes of
// its entries, body those of the whole; neither is kept. When it returns nil,
// the report is on the disk, and a retry of it changes nothing. Otherwise
// nothing of it is stored and the Problem says why: "box-pending", "box-gone",
// "box-suspected", "report-late", "desk-cannot-store".
func (s *Store) Receive(ctx context.Context, r *wire.Report, entries [][]byte, body []byte) (Stored, error) {
	w := waits.Get().(*write)
	*w.report = arrival{report: r, body: body, heads: headsOf(r, entries)}
	err := s.do(ctx, w)
	stored, refused := w.report.stored, w.report.refused
	*w.report = arrival{}
	waits.Put(w)
	if err != nil {
		return Stored{}, err
	}
	return stored, refused
}

// receive takes one report into the batch. What is wrong with the report goes
// to a.refused; an error ends the whole batch.
func (b *batch) receive(ctx context.Context, a *arrival) error {
	r := a.report
	l := b.draft(r.Box)
	switch {
	case l == nil || l.kept == keptLeft:
		a.refused = gone()
		return nil
	case l.kept == keptPending:
		a.refused = pending()
		return nil
	}
	v, skip, gap := l.p.judge(r, a.heads)
	switch v {
	case known:
		a.stored = Stored{Last: l.p.last(), Full: !l.p.complete}
		return nil
	case late:
		a.refused = tooLate()
		return nil
	case forks:
		a.refused = suspected()
		return b.suspect(ctx, l)
	case fits:
	}
	if l.p.restored {
		if err := b.restart(ctx, l, r.First); err != nil {
			return err
		}
	}
	if gap > 0 {
		l.p.complete, l.changed = false, true
		l.p.lost += gap
		if err := b.event(ctx, l, Event{Kind: EventGap, Text: fmt.Sprintf("%d", gap)}); err != nil {
			return err
		}
	}
	if err := b.append(ctx, l, a, skip); err != nil {
		return err
	}
	a.stored = Stored{Last: l.p.last(), Full: !l.p.complete}
	return nil
}

// append stores what is new in a report.
func (b *batch) append(ctx context.Context, l *live, a *arrival, skip int) error {
	r, now := a.report, b.now
	if _, err := b.journal.ExecContext(ctx, now.UnixMilli(), l.n, int64(r.First), int64(r.Last()), a.body); err != nil { //nolint:gosec // below 1<<53
		return fmt.Errorf("write report: %w", err)
	}
	if err := b.clock(ctx, l, r.Sent.Sub(now), l.skew()); err != nil {
		return err
	}
	for i := skip; i < len(r.Entries); i++ {
		e := &r.Entries[i]
		if err := b.entry(ctx, l, r.First+uint64(i), moved(e.At, r.Sent, now), e); err != nil { //nolint:gosec // at most 60
			return err
		}
	}
	l.accept(r, a.heads, now)
	return nil
}

// entry applies one entry.
func (b *batch) entry(ctx context.Context, l *live, number uint64, at time.Time, e *wire.Entry) error {
	switch {
	case e.Sample != nil:
		l.sample = *e.Sample
		return b.roll(ctx, l, number, at, *e.Sample)
	case e.Facts != nil:
		return b.facts(ctx, l, at, *e.Facts)
	case e.Finding != nil:
		return b.found(ctx, l, at, *e.Finding)
	case e.Solved != nil:
		return b.solved(ctx, l, at, *e.Solved)
	case e.Open != nil:
		l.p.complete, l.changed = true, true
		return b.replaceOpen(ctx, l, at, *e.Open)
	case e.Missing != nil:
		l.changed = true
		l.p.lost += uint64(e.Missing.Samples) //nolint:gosec // Check has seen that it is positive
		return b.event(ctx, l, Event{Kind: EventMissing, At: at, Text: fmt.Sprintf("%d", e.Missing.Samples)})
	}
	return nil
}

// restart begins a journal anew where a person said that the box is the same
// one, or at its first report.
func (b *batch) restart(ctx context.Context, l *live, first uint64) error {
	if err := b.closeBucket(ctx, l); err != nil {
		return err
	}
	l.p.restored, l.p.complete, l.p.rolled, l.changed = false, false, first-1, true
	if err := b.tx.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM journal`).Scan(&l.p.epoch); err != nil {
		return fmt.Errorf("read end of journal: %w", err)
	}
	return nil
}

// skew is how far the box's clock was ahead at its last report.
func (l *live) skew() time.Duration {
	if l.p.seen == 0 {
		return 0
	}
	return (time.Duration(l.p.sent-l.p.seen) * time.Millisecond).Round(time.Second)
}

// moved is when something happened by the desk's clock, as far as it can be
// told: a clock that is far off is corrected by as much, and nothing happens in
// the future.
func moved(at, sent wire.Time, received time.Time) time.Time {
	t := at.Time
	if skew := sent.Sub(received); skew.Abs() > wire.MaxSkew {
		t = t.Add(-skew)
	}
	if t.After(received) {
		t = received
	}
	return t.UTC()
}

func gone() *problem.Problem {
	return &problem.Problem{
		Code: "box-gone", Kind: problem.NotFound,
		What: "this desk does not know the box any more",
		Why:  "it was removed at the desk, or it left, or the desk lost its records",
		Next: []string{"ask your IT co-op for a new invitation, and join again"},
	}
}

func pending() *problem.Problem {
	return &problem.Problem{
		Code: "box-pending", Kind: problem.Forbidden,
		What: "the desk waits for somebody who compares the four words",
		Why:  "the box has joined, but nobody at the desk has confirmed it yet",
		Next: []string{"read the four words on the box to your IT co-op, who confirms it at the desk"},
	}
}

func suspected() *problem.Problem {
	return &problem.Problem{
		Code: "box-suspected", Kind: problem.Conflict,
		What: "the desk does not take this report, because it does not continue those before",
		Why:  "either the box was put back to an older state, or a copy of it reports too",
		Next: []string{
			"if the box was restored from a backup: tell your IT co-op, who confirms at the desk that it is the same one",
			"if there is a copy of this box: let the copy leave the desk, then join again with it",
		},
	}
}

func tooLate() *problem.Problem {
	return &problem.Problem{
		Code: "report-late", Kind: problem.Conflict,
		What: "this report was sent before one that the desk has already",
		Why:  "it came late, or somebody sent a copy of an old one",
		Next: []string{"nothing needs to be done: later reports have all of it"},
	}
}
