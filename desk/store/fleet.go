// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/sqlitedb"
)

// PageSize is how many boxes a page of the fleet has.
const PageSize = 50

// Level is what a box needs, in one word: the worst of its findings, or that
// nothing is known.
type Level string

// The levels, worst first. A silent box is one that is unreachable: whether its
// apps run is not known.
const (
	LevelCritical Level = "critical"
	LevelSilent   Level = "silent"
	LevelWarning  Level = "warning"
	LevelPending  Level = "pending"
	LevelNotice   Level = "notice"
	LevelFine     Level = "fine"
)

var levelOrder = map[Level]int{LevelCritical: 0, LevelSilent: 1, LevelWarning: 2, LevelPending: 3, LevelNotice: 4, LevelFine: 5}

// level of a box in a state with this worst severity.
func level(state desk.BoxState, worst int) Level {
	switch {
	case state == desk.BoxPending:
		return LevelPending
	case state == desk.BoxUnreachable:
		return LevelSilent
	case worst == 0:
		return LevelFine
	default:
		return Level(severityName(worst))
	}
}

// FleetFilter chooses boxes; what is empty does not choose.
type FleetFilter struct {
	Level   Level
	Coop    desk.CoopID // owner or caretaker
	Finding string      // code
	Version string      // of the agent
	Q       string      // part of a name of a box or co-op, a box's id, or a finding's code
	Page    int         // from 1
}

// Fleet is one page of boxes, and what the filters offer.
type Fleet struct {
	Rows     []FleetRow
	Page     int
	Pages    int
	Total    int           // boxes that the filter chooses
	Boxes    int           // all in scope that have not left
	Coops    int           // of those
	Levels   map[Level]int // how many of those
	Late     int
	Findings []SharedFinding // open ones of the boxes in scope, on most boxes first
	Versions []string        // of agents, newest first as far as text sorts
}

// FleetRow is one box in the fleet.
type FleetRow struct {
	ID              wire.BoxID
	Name            string
	Coop, Caretaker desk.Coop
	State           desk.BoxState
	Level           Level
	Since           time.Time // of the worst finding, or the last report of a silent box
	Seen            time.Time
	Version         string // of the agent
	Backup, Proven  time.Time
	Open            int           // open findings
	Worst           *wire.Finding // nil: none
	Week            [7]Day
}

// SharedFinding is a finding with the number of boxes that have it.
type SharedFinding struct {
	Code, Severity, What string // What and Args of one of them
	Args                 map[string]string
	Boxes                int
	Since                time.Time // of the oldest
}

// Fleet returns a page of the boxes in scope, worst first.
func (v *View) Fleet(ctx context.Context, f FleetFilter) (Fleet, error) {
	out := Fleet{Page: max(f.Page, 1), Levels: map[Level]int{}}
	var err error
	if out.Findings, err = v.shared(ctx); err != nil {
		return out, err
	}
	having, err := v.having(ctx, f)
	if err != nil {
		return out, err
	}
	chosen := v.choose(f, having, &out)
	slices.SortFunc(chosen, worse)
	out.Total = len(chosen)
	out.Pages = max((len(chosen)+PageSize-1)/PageSize, 1)
	out.Page = min(out.Page, out.Pages)
	from := (out.Page - 1) * PageSize
	for _, r := range chosen[from:min(from+PageSize, len(chosen))] {
		out.Rows = append(out.Rows, *r)
	}
	return out, v.fill(ctx, out.Rows)
}

// having returns the boxes that have the finding that the filter names, and
// those that have the one that is searched for; nil where none is.
func (v *View) having(ctx context.Context, f FleetFilter) (map[string]map[wire.BoxID]bool, error) {
	out := map[string]map[wire.BoxID]bool{}
	for _, code := range []string{f.Finding, strings.ToUpper(strings.TrimSpace(f.Q))} {
		if code == "" || out[code] != nil {
			continue
		}
		ids, err := sqlitedb.Query(ctx, v.s.db.Read(), func(rows *sql.Rows) (id wire.BoxID, err error) { return id, rows.Scan(&id) },
			`SELECT DISTINCT b.id FROM finding f JOIN box b ON b.n = f.box WHERE f.code = ?`, code)
		if err != nil {
			return nil, fmt.Errorf("look for finding: %w", err)
		}
		out[code] = make(map[wire.BoxID]bool, len(ids))
		for _, id := range ids {
			out[code][id] = true
		}
	}
	return out, nil
}

// choose returns the rows that the filter wants, and counts all.
func (v *View) choose(f FleetFilter, having map[string]map[wire.BoxID]bool, out *Fleet) []*FleetRow {
	v.s.mu.RLock()
	defer v.s.mu.RUnlock()
	now := v.s.now()
	coops, versions := map[desk.CoopID]bool{}, map[string]bool{}
	var chosen []*FleetRow // rows are long, so that sorting moves pointers
	for _, l := range v.s.boxes {
		if l.kept == keptLeft || !v.sees(l.coop, l.caretaker) {
			continue
		}
		r := v.row(l, now)
		out.Boxes++
		out.Levels[r.Level]++
		if r.State == desk.BoxLate {
			out.Late++
		}
		coops[l.coop], versions[l.agent] = true, true
		if f.wants(&r, having) {
			chosen = append(chosen, &r)
		}
	}
	out.Coops = len(coops)
	for version := range versions {
		out.Versions = append(out.Versions, version)
	}
	slices.SortFunc(out.Versions, func(a, b string) int { return strings.Compare(b, a) })
	return chosen
}

// worse puts the boxes first that need somebody most, and longest.
func worse(a, b *FleetRow) int {
	if a.Level != b.Level {
		return levelOrder[a.Level] - levelOrder[b.Level]
	}
	if c := a.Since.Compare(b.Since); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.ID), string(b.ID)))
}

func (v *View) row(l *live, now time.Time) FleetRow {
	r := FleetRow{
		ID: l.id, Name: l.name, Coop: v.s.coops[l.coop], Caretaker: v.s.coops[l.caretaker], State: v.s.state(l, now),
		Since: at(l.since), Seen: at(l.p.seen), Version: l.agent, Backup: at(l.backup), Proven: at(l.proven), Open: l.open,
	}
	r.Level = level(r.State, l.worst)
	switch r.Level {
	case LevelSilent:
		r.Since = at(max(l.p.seen, l.joined))
	case LevelPending:
		r.Since = at(l.joined)
	default:
	}
	return r
}

func (f *FleetFilter) wants(r *FleetRow, having map[string]map[wire.BoxID]bool) bool {
	switch {
	case f.Level != "" && r.Level != f.Level,
		f.Coop != "" && r.Coop.ID != f.Coop && r.Caretaker.ID != f.Coop,
		f.Version != "" && r.Version != f.Version,
		f.Finding != "" && !having[f.Finding][r.ID]:
		return false
	}
	q := strings.ToLower(strings.TrimSpace(f.Q))
	return q == "" || string(r.ID) == q || having[strings.ToUpper(q)][r.ID] ||
		strings.Contains(strings.ToLower(r.Name), q) || strings.Contains(strings.ToLower(r.Coop.Name), q)
}

// fill adds what is not in memory: the worst finding and the week, one query
// each.
func (v *View) fill(ctx context.Context, rows []FleetRow) error {
	if len(rows) == 0 {
		return nil
	}
	byNumber := make(map[int64]*FleetRow, len(rows))
	numbers := make([]int64, 0, len(rows))
	v.s.mu.RLock()
	for i := range rows {
		if l := v.s.boxes[rows[i].ID]; l != nil {
			byNumber[l.n] = &rows[i]
			numbers = append(numbers, l.n)
		}
	}
	v.s.mu.RUnlock()
	list, err := encode(numbers)
	if err != nil {
		return err
	}
	_, err = sqlitedb.Query(ctx, v.s.db.Read(), func(found *sql.Rows) (struct{}, error) {
		var n int64
		var text string
		if err := found.Scan(&n, &text); err != nil {
			return struct{}{}, err
		}
		f, err := readFinding(text)
		if r := byNumber[n]; r.Worst == nil {
			r.Worst = &f
		}
		return struct{}{}, err
	}, `SELECT box, finding FROM finding WHERE box IN (SELECT value FROM json_each(?)) ORDER BY severity DESC, since`, list)
	if err != nil {
		return fmt.Errorf("list worst findings: %w", err)
	}
	weeks, err := v.s.weeks(ctx, numbers)
	if err != nil {
		return err
	}
	for n, r := range byNumber {
		r.Week = v.s.week(weeks[n])
	}
	return nil
}

// shared counts the open findings of the boxes in scope by code.
func (v *View) shared(ctx context.Context) ([]SharedFinding, error) {
	found, err := sqlitedb.Query(ctx, v.s.db.Read(), func(rows *sql.Rows) (f SharedFinding, err error) {
		var severity int
		var since int64
		var text string
		if err = rows.Scan(&f.Code, &severity, &f.Boxes, &since, &text); err != nil {
			return f, err
		}
		one, err := readFinding(text)
		f.Severity, f.Since, f.What, f.Args = severityName(severity), at(since), one.What, one.Args
		return f, err
	}, `SELECT f.code, max(f.severity), count(DISTINCT f.box), min(f.since), f.finding
		FROM finding f JOIN box t ON t.n = f.box WHERE `+scope+` GROUP BY f.code ORDER BY 3 DESC, 2 DESC, 1`, v.scopeArgs()...)
	if err != nil {
		return nil, fmt.Errorf("count findings: %w", err)
	}
	return found, nil
}
