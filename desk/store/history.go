// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/sqlitedb"
)

// Day is one day of the week strip.
type Day struct {
	Start   time.Time
	Samples int    // 0: no report
	Worst   string // severity of the worst finding; "": none
}

// Span is the least, mean and most of one figure.
type Span struct{ Min, Avg, Max float64 }

// Bucket is what a box was like for ten minutes or an hour.
type Bucket struct {
	Start        time.Time
	Length       time.Duration
	Samples      int
	Worst        string // severity; "": no finding
	Apps         int    // that should run
	Load         Span   // per core
	Memory, Disk Span   // shares, 0 to 1
	Up           Span   // apps that run
}

// Box returns all that is known of a box, with its open findings.
func (v *View) Box(ctx context.Context, id wire.BoxID) (desk.Box, error) {
	l, err := v.find(id)
	if err != nil {
		return desk.Box{}, err
	}
	b := desk.Box{
		ID: l.id, Coop: l.coop, Caretaker: l.caretaker, Name: l.name, State: v.s.state(&l, v.s.now()), Words: splitWords(l.words),
		Joined: at(l.joined), Seen: at(l.p.seen), Skew: l.skew(), Entries: l.p.last(), Lost: int(l.p.lost), Sample: l.sample, //nolint:gosec // a count of entries
	}
	if b.Facts, err = readFacts(ctx, v.s.db.Read(), l.n); err != nil {
		return b, err
	}
	b.Findings, err = sqlitedb.Query(ctx, v.s.db.Read(), func(rows *sql.Rows) (wire.Finding, error) {
		var text string
		if err := rows.Scan(&text); err != nil {
			return wire.Finding{}, err
		}
		return readFinding(text)
	}, `SELECT finding FROM finding WHERE box = ? ORDER BY severity DESC, since, code, subject`, l.n)
	if err != nil {
		return b, fmt.Errorf("list findings: %w", err)
	}
	return b, nil
}

// History returns the buckets of a box since a time, oldest first: of ten
// minutes where that is in the last seven days, of hours otherwise.
func (v *View) History(ctx context.Context, id wire.BoxID, since time.Time) ([]Bucket, error) {
	l, err := v.find(id)
	if err != nil {
		return nil, err
	}
	length := short
	if v.s.now().Sub(since) > 7*24*time.Hour+long { // who asks for seven days asks a moment ago
		length = long
	}
	out, err := sqlitedb.Query(ctx, v.s.db.Read(), scanBucket, `SELECT start, length, samples, worst, apps, load_min, load_sum, load_max, memory_min, memory_sum, memory_max,
		disk_min, disk_sum, disk_max, up_min, up_sum, up_max FROM bucket WHERE length = ? AND box = ? AND start > ? ORDER BY start`,
		int64(length.Seconds()), l.n, since.Add(-length).Unix())
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	if l.b.samples > 0 { // what is not written yet
		out = append(out, l.b.public())
	}
	return out, nil
}

func scanBucket(rows *sql.Rows) (Bucket, error) {
	var k bucket
	var seconds int64
	err := rows.Scan(&k.start, &seconds, &k.samples, &k.worst, &k.apps, &k.load.least, &k.load.sum, &k.load.most, &k.memory.least, &k.memory.sum, &k.memory.most,
		&k.disk.least, &k.disk.sum, &k.disk.most, &k.up.least, &k.up.sum, &k.up.most)
	if err != nil {
		return Bucket{}, err
	}
	b := k.public()
	b.Length = time.Duration(seconds) * time.Second
	return b, nil
}

func (b *bucket) public() Bucket {
	span := func(s span) Span { return Span{Min: s.least, Avg: s.sum / float64(b.samples), Max: s.most} }
	return Bucket{
		Start: time.Unix(b.start, 0).UTC(), Length: short, Samples: b.samples, Worst: severityName(b.worst), Apps: b.apps,
		Load: span(b.load), Memory: span(b.memory), Disk: span(b.disk), Up: span(b.up),
	}
}

// Events returns what happened to a box, newest first.
func (v *View) Events(ctx context.Context, id wire.BoxID, limit int) ([]Event, error) {
	l, err := v.find(id)
	if err != nil {
		return nil, err
	}
	events, err := sqlitedb.Query(ctx, v.s.db.Read(), func(rows *sql.Rows) (e Event, err error) {
		var ms int64
		var severity int
		err = rows.Scan(&ms, &e.Kind, &e.Code, &e.Subject, &severity, &e.Text)
		e.At, e.Severity = at(ms), severityName(severity)
		return e, err
	}, `SELECT at, kind, code, subject, severity, text FROM event WHERE box = ? ORDER BY id DESC LIMIT ?`, l.n, min(max(limit, 1), keepEvents))
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return events, nil
}

// Week returns the last seven days of a box, today last; days are UTC.
func (v *View) Week(ctx context.Context, id wire.BoxID) ([7]Day, error) {
	l, err := v.find(id)
	if err != nil {
		return [7]Day{}, err
	}
	weeks, err := v.s.weeks(ctx, []int64{l.n})
	if err != nil {
		return [7]Day{}, err
	}
	return v.s.week(weeks[l.n]), nil
}

const day = 24 * time.Hour

// weeks adds up the days of these boxes, with what is not written yet.
func (s *Store) weeks(ctx context.Context, numbers []int64) (map[int64]map[int64]Day, error) {
	list, err := encode(numbers)
	if err != nil {
		return nil, err
	}
	out := map[int64]map[int64]Day{}
	add := func(n, start int64, samples, worst int) {
		if out[n] == nil {
			out[n] = map[int64]Day{}
		}
		d := out[n][start]
		out[n][start] = Day{Samples: d.Samples + samples, Worst: severityName(max(worst, severities[d.Worst]))}
	}
	seconds := int64(day.Seconds())
	_, err = sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (struct{}, error) {
		var n, start int64
		var samples, worst int
		err := rows.Scan(&n, &start, &samples, &worst)
		add(n, start, samples, worst)
		return struct{}{}, err
	}, `SELECT box, start / ?1 * ?1, sum(samples), max(worst) FROM bucket
		WHERE length = 3600 AND box IN (SELECT value FROM json_each(?2)) AND start >= ?3 GROUP BY 1, 2`,
		seconds, list, s.now().Truncate(day).Add(-6*day).Unix())
	if err != nil {
		return nil, fmt.Errorf("read week: %w", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, n := range numbers {
		if l := s.numbers[n]; l != nil && l.b.samples > 0 {
			add(n, l.b.start-l.b.start%seconds, l.b.samples, l.b.worst)
		}
	}
	return out, nil
}

func (s *Store) week(days map[int64]Day) (week [7]Day) {
	first := s.now().UTC().Truncate(day).Add(-6 * day)
	for i := range week {
		start := first.Add(time.Duration(i) * day)
		week[i] = days[start.Unix()]
		week[i].Start = start
	}
	return week
}
