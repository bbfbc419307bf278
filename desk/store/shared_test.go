// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"coopkit/desk"
	"coopkit/desk/wire"
)

// beside opens a second store on the file of the first, as another process does.
func (r *rig) beside() *rig {
	r.tb.Helper()
	second := &rig{tb: r.tb, path: r.path, clock: r.clock}
	second.start()
	r.tb.Cleanup(func() { second.stop() })
	return second
}

// at is the same box, which reaches another desk of the same records.
func (s *sender) at(r *rig) *sender {
	moved := *s
	moved.rig = r
	return &moved
}

// TestShared_retriesAndForksAreJudgedByRows lets two desks on one file take turns.
func TestShared_retriesAndForksAreJudgedByRows(t *testing.T) {
	one := open(t)
	two := one.beside()
	b := one.box("mill", "bakery", "kestrel")
	b.send(sample(1), wire.Entry{Open: &[]wire.Finding{}})
	b = b.at(two)
	again, raw, body := b.report(sample(2))
	clone := *b
	if got, err := b.Receive(t.Context(), &again, raw, body); err != nil || got != (Stored{Last: 3}) {
		t.Fatalf("the next report, at the other desk: %+v, %v", got, err)
	}
	if got, err := one.Receive(t.Context(), &again, raw, body); err != nil || got != (Stored{Last: 3}) {
		t.Errorf("the same again, where the one before was: %+v, %v", got, err)
	}
	if n := one.count(`SELECT count(*) FROM journal`); n != 2 {
		t.Errorf("the journal has %d reports, not 2", n)
	}
	b.moveOn(raw)
	b.at(one).send(finding("DISK-NEARLY-FULL", "warning"))

	two.clock.pass(time.Minute)
	report, raw, body := clone.report(sample(9))
	_, err := two.Receive(t.Context(), &report, raw, body)
	isProblem(t, err, "box-suspected")
	view := one.as(desk.Technician, "kestrel")
	if got, err := view.Box(t.Context(), b.id); err != nil || got.State != desk.BoxSuspected || len(got.Findings) != 2 || got.Entries != 4 {
		t.Errorf("the first desk sees %+v, %v", got, err)
	}
	if err := view.Restored(t.Context(), b.id); err != nil {
		t.Fatal(err)
	}
	if got := clone.at(two).send(sample(9)); got != (Stored{Last: 3, Full: true}) {
		t.Errorf("the restored box: %+v", got)
	}
	if err := two.as(desk.Technician, "kestrel").RemoveBox(t.Context(), b.id); err != nil {
		t.Fatal(err)
	}
	report, raw, body = clone.report(sample(9))
	_, err = one.Receive(t.Context(), &report, raw, body)
	isProblem(t, err, "box-gone")
}

// TestShared_atTheSameTime sends every report to both desks at once: each is
// stored once, and history counts it once.
func TestShared_atTheSameTime(t *testing.T) {
	one := open(t)
	two := one.beside()
	const boxes, reports = 8, 12
	var all sync.WaitGroup
	for range boxes {
		b := one.box("mill", "bakery", "")
		all.Go(func() {
			for range reports {
				report, raw, body := b.report(sample(1))
				var both sync.WaitGroup
				for _, r := range []*rig{one, two} {
					both.Go(func() {
						if got, err := r.Receive(t.Context(), &report, raw, body); err != nil || got.Last != report.Last() {
							t.Errorf("report %d: %+v, %v", report.First, got, err)
						}
					})
				}
				both.Wait()
				b.moveOn(raw)
			}
		})
	}
	all.Wait()
	if n := one.count(`SELECT count(*) FROM journal`); n != boxes*reports {
		t.Errorf("the journal has %d reports, not %d", n, boxes*reports)
	}
	if n := two.count(`SELECT sum(samples) FROM bucket WHERE length = 600`); n != boxes*reports {
		t.Errorf("history has %d samples, not %d", n, boxes*reports)
	}
}

// TestReceive_oneBadRowStopsNobodyElse: what is wrong with the rows of one box is
// not the fault of those whose reports come at the same time.
func TestReceive_oneBadRowStopsNobodyElse(t *testing.T) {
	r := open(t)
	bad, good := r.box("bad", "bakery", ""), r.box("good", "bakery", "")
	if err := r.db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE box SET facts = '[]' WHERE id = ?`, bad.id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	wrong := func(b *sender) *arrival {
		report, raw, body := b.report(wire.Entry{Facts: &wire.Facts{Name: "mill"}})
		return &arrival{report: &report, body: body, heads: headsOf(&report, raw), done: make(chan error, 1)}
	}
	first, second := wrong(bad), wrong(good)
	r.waiting = []*arrival{first, second}
	r.writeWaiting(t.Context())
	isProblem(t, <-first.done, "desk-cannot-store")
	if err := <-second.done; err != nil || second.stored.Last != 1 {
		t.Errorf("the other: %+v, %v", second.stored, err)
	}
	if n := r.count(`SELECT count(*) FROM journal`); n != 1 {
		t.Errorf("the journal has %d reports, not 1", n)
	}
}

func TestUpkeep_forgetsABoxThatLeft(t *testing.T) {
	r := open(t)
	left, removed, stays := r.box("left", "bakery", "kestrel"), r.box("removed", "bakery", "kestrel"), r.box("stays", "bakery", "kestrel")
	for _, b := range []*sender{left, removed, stays} {
		b.send(sample(1), finding("DISK-NEARLY-FULL", "warning"))
	}
	view := r.as(desk.Technician, "kestrel")
	if err := errors.Join(r.Leave(t.Context(), left.id, "we move"), view.RemoveBox(t.Context(), removed.id)); err != nil {
		t.Fatal(err)
	}
	rows := func(table string) int { t.Helper(); return r.count(`SELECT count(*) FROM ` + table) }
	r.clock.pass(keepGone - time.Hour)
	if err := r.keepHouse(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := view.Box(t.Context(), left.id); err != nil || got.State != desk.BoxLeft || rows("box") != 3 {
		t.Errorf("before its time: %+v, %v, of %d", got, err, rows("box"))
	}
	r.clock.pass(2 * time.Hour)
	if err := r.keepHouse(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*sender{left, removed} {
		_, err := view.Box(t.Context(), b.id)
		isProblem(t, err, "box-unknown")
		report, raw, body := b.report(sample(1))
		_, err = r.Receive(t.Context(), &report, raw, body)
		isProblem(t, err, "box-gone")
	}
	for _, table := range []string{"box", "progress", "finding", "invitation"} {
		if n := rows(table); n != 1 {
			t.Errorf("%s has %d rows, not 1", table, n)
		}
	}
	for _, table := range []string{"event", "bucket"} {
		if n := r.count(`SELECT count(*) FROM ` + table + ` WHERE box NOT IN (SELECT n FROM box)`); n != 0 {
			t.Errorf("%s has %d rows of boxes that are forgotten", table, n)
		}
	}
	if err := r.Check(t.Context()); err != nil {
		t.Error(err)
	}
	stays.send(sample(2))
}

// TestBegin_absencesThatTouchAreOne: the time without a desk is not over when one
// runs for a moment only, and a new one begins when it ran long enough.
func TestBegin_absencesThatTouchAreOne(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "")
	r.clock.pass(time.Minute)
	b.send(sample(1))
	r.clock.pass(time.Minute)
	state := func() desk.BoxState {
		t.Helper()
		got, err := r.as(desk.Coordinator, "").Box(t.Context(), b.id)
		if err != nil {
			t.Fatal(err)
		}
		return got.State
	}
	for range 3 {
		r.again(5 * time.Hour)
		if got := state(); got != desk.BoxUp {
			t.Errorf("after the desk was away it is %s", got)
		}
	}
	r.clock.pass(10 * time.Minute)
	if err := r.keepHouse(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.again(time.Hour)
	if got := state(); got != desk.BoxUnreachable {
		t.Errorf("it said nothing to a desk that ran for ten minutes, and is %s", got)
	}
}
