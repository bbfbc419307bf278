// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
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
	r, err := v.find(ctx, v.s.db.Read(), id)
	if err != nil {
		return desk.Box{}, err
	}
	b := desk.Box{ID: r.id, Seen: at(r.seen), Skew: r.skew(), Entries: r.p.last(), Lost: int(r.p.lost)} //nolint:gosec // a count of entries
	if err := v.details(ctx, r.n, &b); err != nil {
		return b, err
	}
	b.Findings, err = sqlitedb.Query(ctx, v.s.db.Read(), func(rows *sql.Rows) (wire.Finding, error) {
		var text string
		if err := rows.Scan(&text); err != nil {
			return wire.Finding{}, err
		}
		return readFinding(text)
	}, `SELECT finding FROM finding WHERE box = ? ORDER BY severity DESC, since, code, subject`, r.n)
	if err != nil {
		return b, fmt.Errorf("list findings: %w", err)
	}
	return b, nil
}

// details reads what is not needed to judge its reports.
func (v *View) details(ctx context.Context, n int64, b *desk.Box) error {
	found, err := sqlitedb.Query(ctx, v.s.db.Read(), scanSummary, selectSummary+` WHERE t.n = ?`, n)
	for _, s := range found {
		b.Coop, b.Caretaker, b.Name, b.Joined, b.State = s.coop, s.caretaker, s.name, at(s.joined), v.s.state(&s, v.s.now())
	}
	var words string
	var facts, sample []byte
	more := v.s.db.Read().QueryRowContext(ctx, `SELECT b.words, b.facts, p.sample FROM box b JOIN progress p ON p.box = b.n WHERE b.n = ?`, n).Scan(&words, &facts, &sample)
	if err = errors.Join(err, more); err == nil {
		b.Words = splitWords(words)
		err = errors.Join(json.Unmarshal(facts, &b.Facts), json.Unmarshal(sample, &b.Sample))
	}
	if err != nil {
		return fmt.Errorf("read details of box: %w", err)
	}
	return nil
}

// History returns the buckets of a box since a time, oldest first: of ten
// minutes where that is in the last seven days, of hours otherwise.
func (v *View) History(ctx context.Context, id wire.BoxID, since time.Time) ([]Bucket, error) {
	r, err := v.find(ctx, v.s.db.Read(), id)
	if err != nil {
		return nil, err
	}
	length := short
	if v.s.now().Sub(since) > 7*24*time.Hour+long { // who asks for seven days asks a moment ago
		length = long
	}
	out, err := sqlitedb.Query(ctx, v.s.db.Read(), scanBucket, `SELECT start, length, samples, worst, apps, load_min, load_sum / samples, load_max, memory_min, memory_sum / samples, memory_max,
		disk_min, disk_sum / samples, disk_max, up_min, up_sum / samples, up_max FROM bucket WHERE length = ? AND box = ? AND start > ? ORDER BY start`,
		int64(length.Seconds()), r.n, since.Add(-length).Unix())
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return out, nil
}

func scanBucket(rows *sql.Rows) (b Bucket, err error) {
	var start, seconds int64
	var worst int
	err = rows.Scan(&start, &seconds, &b.Samples, &worst, &b.Apps, &b.Load.Min, &b.Load.Avg, &b.Load.Max, &b.Memory.Min, &b.Memory.Avg, &b.Memory.Max,
		&b.Disk.Min, &b.Disk.Avg, &b.Disk.Max, &b.Up.Min, &b.Up.Avg, &b.Up.Max)
	b.Start, b.Length, b.Worst = time.Unix(start, 0).UTC(), time.Duration(seconds)*time.Second, severityName(worst)
	return b, err
}

// Events returns what happened to a box, newest first.
func (v *View) Events(ctx context.Context, id wire.BoxID, limit int) ([]Event, error) {
	r, err := v.find(ctx, v.s.db.Read(), id)
	if err != nil {
		return nil, err
	}
	events, err := sqlitedb.Query(ctx, v.s.db.Read(), func(rows *sql.Rows) (e Event, err error) {
		var ms int64
		var severity int
		var args string
		err = rows.Scan(&ms, &e.Kind, &e.Code, &e.Subject, &severity, &e.Text, &args)
		if json.Unmarshal([]byte(args), &e.Args) != nil {
			e.Args = nil // only words for people
		}
		e.At, e.Severity = at(ms), severityName(severity)
		return e, err
	}, `SELECT at, kind, code, subject, severity, text, args FROM event WHERE box = ? ORDER BY id DESC LIMIT ?`, r.n, min(max(limit, 1), keepEvents))
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return events, nil
}

// Week returns the last seven days of a box, today last; days are UTC.
func (v *View) Week(ctx context.Context, id wire.BoxID) ([7]Day, error) {
	r, err := v.find(ctx, v.s.db.Read(), id)
	if err != nil {
		return [7]Day{}, err
	}
	weeks, err := v.s.weeks(ctx, []int64{r.n})
	if err != nil {
		return [7]Day{}, err
	}
	return v.s.week(weeks[r.n]), nil
}

const day = 24 * time.Hour

// weeks adds up the days of these boxes.
func (s *Store) weeks(ctx context.Context, numbers []int64) (map[int64]map[int64]Day, error) {
	list, err := encode(numbers)
	if err != nil {
		return nil, err
	}
	out := map[int64]map[int64]Day{}
	seconds := int64(day.Seconds())
	_, err = sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (struct{}, error) {
		var n, start int64
		var samples, worst int
		err := rows.Scan(&n, &start, &samples, &worst)
		if out[n] == nil {
			out[n] = map[int64]Day{}
		}
		out[n][start] = Day{Samples: samples, Worst: severityName(worst)}
		return struct{}{}, err
	}, `SELECT box, start / ?1 * ?1, sum(samples), max(worst) FROM bucket
		WHERE length = 3600 AND box IN (SELECT value FROM json_each(?2)) AND start >= ?3 GROUP BY 1, 2`,
		seconds, list, s.now().Truncate(day).Add(-6*day).Unix())
	if err != nil {
		return nil, fmt.Errorf("read week: %w", err)
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
