// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"coopkit/desk/wire"
	"coopkit/internal/problem"
)

const insertJournal = `INSERT INTO journal (at, box, first, last, body) VALUES (?, ?, ?, ?, ?)`

// receive judges one report by the rows of its box, nil where there is none, and
// stores what is new. What is wrong with the report goes to a.refused; an error
// ends the transaction.
func (t *txn) receive(ctx context.Context, b *record, a *arrival) error {
	a.stored, a.refused = Stored{}, nil // it may be tried a second time
	r := a.report
	switch {
	case b == nil || b.kept == keptLeft:
		a.refused = gone()
		return nil
	case b.kept == keptPending:
		a.refused = pending()
		return nil
	}
	v, skip, gap := b.p.judge(r, a.heads)
	switch v {
	case known:
	case late:
		a.refused = tooLate()
		return nil
	case forks:
		a.refused = suspected()
		return t.suspect(ctx, b)
	case fits:
		if err := t.append(ctx, b, a, skip, gap); err != nil {
			return err
		}
	}
	a.stored = Stored{Last: b.p.last(), Full: !b.p.complete}
	return nil
}

// append stores what is new in a report: all but the first skip entries, after a
// gap of so many that never came.
func (t *txn) append(ctx context.Context, b *record, a *arrival, skip int, gap uint64) error {
	r, p := a.report, &b.p
	if _, err := t.fixed.journal.ExecContext(ctx, t.now.UnixMilli(), b.n, int64(r.First), int64(r.Last()), a.body); err != nil { //nolint:gosec // below 1<<53
		return fmt.Errorf("write report: %w", err)
	}
	if p.restored { // its journal begins anew
		p.restored, p.complete = false, false
	}
	if gap > 0 {
		p.complete = false
		p.lost += gap
		if err := t.event(ctx, b, Event{Kind: EventGap, Text: strconv.FormatUint(gap, 10)}); err != nil {
			return err
		}
	}
	if err := t.clock(ctx, b, r.Sent.Sub(t.now), b.skew()); err != nil {
		return err
	}
	var newest *wire.Sample
	for i := skip; i < len(r.Entries); i++ {
		e := &r.Entries[i]
		if err := t.entry(ctx, b, moved(e.At, r.Sent, t.now), e); err != nil {
			return err
		}
		if e.Sample != nil {
			newest = e.Sample
		}
	}
	b.seen, p.sent = t.now.UnixMilli(), r.Sent.UnixMilli()
	p.first, p.heads = r.First, a.heads
	return t.moveOn(ctx, b, newest)
}

// entry applies one entry; one of a kind that this program does not know changes
// nothing.
func (t *txn) entry(ctx context.Context, b *record, at time.Time, e *wire.Entry) error {
	switch {
	case e.Sample != nil:
		return t.sample(ctx, b, at, e.Sample)
	case e.Facts != nil:
		return t.facts(ctx, b, at, *e.Facts)
	case e.Finding != nil:
		return t.found(ctx, b, at, *e.Finding)
	case e.Solved != nil:
		return t.solved(ctx, b, at, *e.Solved)
	case e.Open != nil:
		b.p.complete = true
		return t.replaceOpen(ctx, b, at, *e.Open)
	case e.Missing != nil:
		b.p.lost += uint64(e.Missing.Samples) //nolint:gosec // Tidy has made sure that it is not negative
		return t.event(ctx, b, Event{Kind: EventMissing, At: at, Text: strconv.Itoa(e.Missing.Samples)})
	}
	return nil
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
