// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"coopkit/desk/wire"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// mostInBatch is how many reports one transaction has at most.
const mostInBatch = 256

// write is something to be written: a report, or a change that has a
// transaction of its own.
type write struct {
	report *arrival
	change func(ctx context.Context, b *batch) error
	done   chan error
}

// batch is one transaction and what will be true when it is committed.
type batch struct {
	s      *Store
	tx     *sql.Tx
	now    time.Time
	drafts map[wire.BoxID]*live // copies, which take the place of the live ones

	journal, moved *sql.Stmt
}

// draft returns the copy of a box that this batch may change, or nil for a box
// that is not here.
func (b *batch) draft(id wire.BoxID) *live {
	if l := b.drafts[id]; l != nil {
		return l
	}
	b.s.mu.RLock()
	defer b.s.mu.RUnlock()
	l := b.s.boxes[id]
	if l == nil {
		return nil
	}
	c := *l
	b.drafts[id] = &c
	return &c
}

func (s *Store) prepare(ctx context.Context) (err error) {
	if s.journal, err = s.db.Prepare(ctx, `INSERT INTO journal (at, box, first, last, body) VALUES (?, ?, ?, ?, ?)`); err != nil {
		return err
	}
	s.moved, err = s.db.Prepare(ctx, `UPDATE progress SET seen = ?, sent = ?, first = ?, heads = ?, lost = ?, complete = ?, restored = ?, rolled = ?, epoch = ? WHERE box = ?`)
	return err
}

// Run writes what comes until ctx ends; then nothing more is taken. It also
// keeps the records small. It returns after its goroutines have ended.
func (s *Store) Run(ctx context.Context) error {
	defer close(s.stopped)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.upkeep(ctx)
	}()
	defer func() { <-ended }()
	// What is begun is finished: a commit is not cut short by the end.
	detached := context.WithoutCancel(ctx)
	batch := make([]*write, 0, mostInBatch)
	for {
		select {
		case <-ctx.Done():
			return nil
		case w := <-s.writes:
			batch = s.collect(append(batch[:0], w))
			s.commit(detached, batch)
		}
	}
}

// collect adds what others have ready, because a commit costs the same for one
// report and for many. It waits for nobody: while one batch is written, the next
// one gathers. A change goes alone, at the end.
func (s *Store) collect(batch []*write) []*write {
	for yielded := false; len(batch) < mostInBatch && batch[len(batch)-1].report != nil; {
		select {
		case w := <-s.writes:
			batch, yielded = append(batch, w), false
		default:
			if yielded {
				return batch
			}
			runtime.Gosched() // who can run now may have something
			yielded = true
		}
	}
	return batch
}

// commit writes reports in one transaction and a change in another, and answers
// all of them.
func (s *Store) commit(ctx context.Context, all []*write) {
	if last := all[len(all)-1]; last.report == nil {
		defer s.commitChange(ctx, last)
		all = all[:len(all)-1]
	}
	s.commitReports(ctx, all)
}

func (s *Store) commitReports(ctx context.Context, all []*write) {
	if len(all) == 0 {
		return
	}
	err := s.transact(ctx, func(b *batch) error {
		for _, w := range all {
			if err := b.receive(ctx, w.report); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.log.Error("reports not stored", slog.String(logkey.Code, "desk-cannot-store"), slog.String(logkey.Err, err.Error()))
		err = notStored(err)
	}
	for _, w := range all {
		w.done <- err
	}
}

func (s *Store) commitChange(ctx context.Context, w *write) {
	w.done <- s.transact(ctx, func(b *batch) error { return w.change(ctx, b) })
}

// transact runs fn in one transaction and makes its drafts true after the
// commit.
func (s *Store) transact(ctx context.Context, fn func(b *batch) error) error {
	b := &batch{s: s, now: s.now(), drafts: make(map[wire.BoxID]*live)}
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		b.tx = tx
		b.journal, b.moved = tx.StmtContext(ctx, s.journal), tx.StmtContext(ctx, s.moved)
		if err := fn(b); err != nil {
			return err
		}
		return b.save(ctx)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, draft := range b.drafts {
		if l := s.boxes[id]; l != nil {
			*l = *draft
			continue
		}
		s.boxes[id], s.numbers[draft.n] = draft, draft
	}
	return nil
}

// save writes how far the boxes of the batch have come, where the journal does
// not say it. The others are written once a minute, see catchUp: a row for
// each report would double what goes to the disk.
func (b *batch) save(ctx context.Context) error {
	for _, l := range b.drafts {
		if !l.changed {
			continue
		}
		p := &l.p
		if _, err := b.moved.ExecContext(ctx, p.seen, p.sent, int64(p.first), p.headsBlob(), int64(p.lost), p.complete, p.restored, int64(p.rolled), p.epoch, l.n); err != nil { //nolint:gosec // far below 1<<63
			return fmt.Errorf("write progress: %w", err)
		}
		l.changed, l.unsaved = false, false
	}
	return nil
}

// do hands w to the writer and waits until it is written. Once it is taken, it
// is waited for even if ctx ends, so that what it holds can be used again.
func (s *Store) do(ctx context.Context, w *write) error {
	select {
	case s.writes <- w:
		return <-w.done
	case <-s.stopped:
		return stopping()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// change runs fn in a transaction of its own in the writer's turn.
func (s *Store) change(ctx context.Context, fn func(ctx context.Context, b *batch) error) error {
	return s.do(ctx, &write{change: fn, done: make(chan error, 1)})
}

func notStored(err error) *problem.Problem {
	return &problem.Problem{
		Code: "desk-cannot-store", Kind: problem.Unavailable,
		What: "the desk can not store reports now",
		Why:  "its disk is full or does not work; boxes keep their reports and send them again",
		Next: []string{"look at the disk of the desk: df -h", "read the desk's log"},
		Err:  err,
	}
}

func stopping() *problem.Problem {
	return &problem.Problem{
		Code: "desk-stopping", Kind: problem.Unavailable,
		What: "the desk stops or starts right now",
		Why:  "nothing was changed",
		Next: []string{"try again in a minute"},
	}
}
