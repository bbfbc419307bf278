// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"errors"
	"time"

	"coopkit/desk/wire"
)

// progress is how far a box has reported, and what is needed to tell a retry
// from a journal that has forked.
type progress struct {
	seen     int64       // ms, by the desk's clock; 0: no report yet
	sent     int64       // ms, by the box's clock
	first    uint64      // number of the first entry of the last report
	heads    []wire.Head // before that entry, and after each of the report; shared, never changed
	lost     uint64
	complete bool
	restored bool
	rolled   uint64
	epoch    int64 // reports of the journal up to this one are of a journal that is no more
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

// accept moves on to the end of a report.
func (l *live) accept(r *wire.Report, heads []wire.Head, received time.Time) {
	l.p.seen, l.p.sent = received.UnixMilli(), r.Sent.UnixMilli()
	l.p.first, l.p.heads = r.First, heads
	l.unsaved = true
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

func (p *progress) headsBlob() []byte {
	out := make([]byte, 0, len(p.heads)*headBytes)
	for i := range p.heads {
		out = append(out, p.heads[i][:]...)
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
