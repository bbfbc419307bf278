// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"log/slog"
	"runtime"

	"coopkit/desk/wire"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// mostTogether is how many reports one transaction has at most.
const mostTogether = 256

// Stored is what became of a report that is durable now.
type Stored struct {
	Last uint64 // number of the last entry that is stored
	Full bool   // the desk wants the box to tell everything that is open
}

// arrival is a report on its way to the disk, and what became of it.
type arrival struct {
	report  *wire.Report
	body    []byte
	heads   []wire.Head
	stored  Stored
	refused error // a Problem, when the report as such was handled but not taken
	done    chan error
}

// Receive stores a report whose signature was checked. entries are the bytes of
// its entries, body those of the whole; neither is kept. When it returns nil,
// the report is on the disk, and a retry of it changes nothing. Otherwise
// nothing of it is stored and the Problem says why: "box-pending", "box-gone",
// "box-suspected", "report-late", "desk-cannot-store".
//
// A commit costs the same for one report and for many: whoever has the turn
// writes all that wait, and meanwhile the next ones gather. What was begun is
// finished, even if ctx ends.
func (s *Store) Receive(ctx context.Context, r *wire.Report, entries [][]byte, body []byte) (Stored, error) {
	a := &arrival{report: r, body: body, heads: headsOf(r, entries), done: make(chan error, 1)}
	s.mu.Lock()
	s.waiting = append(s.waiting, a)
	s.mu.Unlock()
	for {
		select {
		case err := <-a.done:
			if err != nil {
				return Stored{}, err
			}
			return a.stored, a.refused
		case s.turn <- struct{}{}:
			runtime.Gosched() // whoever can run now may have one too
			s.writeWaiting(context.WithoutCancel(ctx))
			<-s.turn
		}
	}
}

// writeWaiting writes the reports that wait and answers them. Where one of
// several cannot be written, each is tried alone: what is wrong with the rows of
// one box must not stop the others.
func (s *Store) writeWaiting(ctx context.Context) {
	s.mu.Lock()
	n := min(len(s.waiting), mostTogether)
	all := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	s.mu.Unlock()
	err := s.writeReports(ctx, all)
	for i, a := range all {
		alone := err
		if err != nil && len(all) > 1 {
			alone = s.writeReports(ctx, all[i:i+1])
		}
		if alone != nil {
			s.log.Error("report not stored", slog.String(logkey.Code, "desk-cannot-store"), slog.String("box", string(a.report.Box)), slog.String(logkey.Err, alone.Error()))
			alone = notStored(alone)
		}
		a.done <- alone
	}
}

func (s *Store) writeReports(ctx context.Context, all []*arrival) error {
	if len(all) == 0 {
		return nil
	}
	return s.write(ctx, func(t *txn) error {
		ids := make([]wire.BoxID, len(all))
		for i, a := range all {
			ids[i] = a.report.Box
		}
		boxes, err := t.boxes(ctx, ids...)
		if err != nil {
			return err
		}
		for _, a := range all {
			if err := t.receive(ctx, boxes[a.report.Box], a); err != nil {
				return err
			}
		}
		return nil
	})
}

func notStored(err error) *problem.Problem {
	return &problem.Problem{
		Code: "desk-cannot-store", Kind: problem.Unavailable,
		What: "the desk cannot store reports now",
		Why:  "its disk is full or does not work; boxes keep their reports and send them again",
		Next: []string{"look at the disk of the desk: df -h", "read the desk's log"},
		Err:  err,
	}
}
