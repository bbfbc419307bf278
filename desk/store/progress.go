// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coopkit/desk/wire"
)

// progress is how far a box has reported, and what is needed to tell a retry
// from a journal that has forked.
type progress struct {
	sent     int64       // ms, by the box's clock
	first    uint64      // number of the first entry of the last report
	heads    []wire.Head // before that entry, and after each of the report
	lost     uint64
	complete bool
	restored bool
}

// last is the number of the last entry that is stored.
func (p *progress) last() uint64 {
	return p.first + uint64(len(p.heads)) - 2 // heads is never empty, first never 0
}

// verdict is what a report is, compared with those before.
type verdict int

const (
	fits  verdict = iota // some of its entries are new
	known                // a retry: all of it is stored
	late                 // sent before a report that is stored already: it has no news
	forks                // not the continuation of the journal that is stored
)

// judge compares a report, whose heads are before its first entry and after
// each, with what is stored. skip is how many of its entries are known, gap how
// many before it never came.
func (p *progress) judge(r *wire.Report, heads []wire.Head) (v verdict, skip int, gap uint64) {
	last := p.last()
	switch {
	case p.restored:
		return fits, 0, 0
	case r.First > last+1:
		return fits, 0, r.First - last - 1
	}
	// Both know the head at number common, unless the report ends too early.
	common := min(last, r.Last())
	if common+1 >= p.first && heads[common+1-r.First] == p.heads[common+1-p.first] {
		if common == r.Last() {
			return known, len(r.Entries), 0
		}
		return fits, int(common + 1 - r.First), 0 //nolint:gosec // at most 60
	}
	if r.Last() <= last && r.Sent.UnixMilli() < p.sent {
		return late, 0, 0
	}
	return forks, 0, 0
}

const updateProgress = `UPDATE progress SET seen = ?1, sent = ?2, first = ?3, heads = ?4, lost = ?5, complete = ?6, restored = ?7, sample = coalesce(?8, sample) WHERE box = ?9`

// moveOn writes the progress of a box, which has come to the end of a report;
// sample is the newest in it, if there is one.
func (t *txn) moveOn(ctx context.Context, b *record, sample *wire.Sample) error {
	var text any
	if sample != nil {
		var err error
		if text, err = encode(sample); err != nil {
			return err
		}
	}
	p := &b.p
	_, err := t.fixed.moved.ExecContext(ctx, b.seen, p.sent, int64(p.first), headsBlob(p.heads), int64(p.lost), p.complete, p.restored, text, b.n) //nolint:gosec // far below 1<<63
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	return nil
}

// skew is how far the box's clock was ahead at its last report.
func (b *record) skew() time.Duration {
	if b.seen == 0 {
		return 0
	}
	return (time.Duration(b.p.sent-b.seen) * time.Millisecond).Round(time.Second)
}

// headsOf returns the heads before the first entry of a report and after each.
func headsOf(r *wire.Report, entries [][]byte) []wire.Head {
	heads := make([]wire.Head, len(entries)+1)
	heads[0] = r.Previous
	for i, e := range entries {
		heads[i+1] = heads[i].After(e)
	}
	return heads
}

const headBytes = len(wire.Head{})

func headsBlob(heads []wire.Head) []byte {
	out := make([]byte, 0, len(heads)*headBytes)
	for i := range heads {
		out = append(out, heads[i][:]...)
	}
	return out
}

func readHeads(blob []byte) ([]wire.Head, error) {
	if len(blob) == 0 || len(blob)%headBytes != 0 {
		return nil, errors.New("read heads: wrong length")
	}
	out := make([]wire.Head, len(blob)/headBytes)
	for i := range out {
		copy(out[i][:], blob[i*headBytes:])
	}
	return out, nil
}
