// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
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

var levels = []Level{LevelCritical, LevelSilent, LevelWarning, LevelPending, LevelNotice, LevelFine}

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
	chosen, err := v.choose(ctx, f, &out)
	if err != nil {
		return out, err
	}
	return out, v.fill(ctx, chosen, &out)
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

// candidate is a box that a page may show: short, because a fleet has thousands
// and a page fifty.
type candidate struct {
	b     *summary
	state desk.BoxState
	order int   // of its level in levels
	since int64 // that the level lasts
}

func (s *Store) candidate(b *summary, now time.Time) candidate {
	c := candidate{b: b, state: s.state(b, now), since: b.since}
	level := level(c.state, b.worst)
	c.order = slices.Index(levels, level)
	switch level {
	case LevelSilent:
		c.since = max(b.seen, b.joined)
	case LevelPending:
		c.since = b.joined
	default:
	}
	return c
}

// worse puts the boxes first that need somebody most, and longest.
func worse(a, b candidate) int {
	return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.since, b.since),
		strings.Compare(a.b.name, b.b.name), strings.Compare(string(a.b.id), string(b.b.id)))
}

// choose returns the boxes on the page that the filter wants, and counts all.
func (v *View) choose(ctx context.Context, f FleetFilter, out *Fleet) ([]candidate, error) {
	having, err := v.having(ctx, f)
	if err != nil {
		return nil, err
	}
	coops, err := v.s.coops(ctx)
	if err != nil {
		return nil, err
	}
	boxes, err := sqlitedb.Query(ctx, v.s.db.Read(), scanSummary, selectSummary+` WHERE `+scope+` AND t.kept <> '`+keptLeft+`'`, v.scopeArgs()...)
	if err != nil {
		return nil, fmt.Errorf("list boxes: %w", err)
	}
	now := v.s.now()
	owners, versions := map[desk.CoopID]bool{}, map[string]bool{}
	var counts [6]int // by levels
	var chosen []candidate
	for i := range boxes {
		c := v.s.candidate(&boxes[i], now)
		counts[c.order]++
		if c.state == desk.BoxLate {
			out.Late++
		}
		owners[c.b.coop], versions[c.b.agent] = true, true
		if wants(&f, c, having, coops) {
			chosen = append(chosen, c)
		}
	}
	for order, n := range counts {
		if n > 0 {
			out.Levels[levels[order]] = n
		}
	}
	out.Boxes, out.Coops = len(boxes), len(owners)
	out.Versions = slices.Sorted(maps.Keys(versions))
	slices.Reverse(out.Versions)
	out.Total, out.Pages = len(chosen), max((len(chosen)+PageSize-1)/PageSize, 1)
	out.Page = min(out.Page, out.Pages)
	slices.SortFunc(chosen, worse)
	from := (out.Page - 1) * PageSize
	chosen = chosen[from:min(from+PageSize, len(chosen))]
	for _, c := range chosen {
		out.Rows = append(out.Rows, c.row(coops))
	}
	return chosen, nil
}

func (c candidate) row(coops map[desk.CoopID]desk.Coop) FleetRow {
	b := c.b
	return FleetRow{
		ID: b.id, Name: b.name, Coop: coops[b.coop], Caretaker: coops[b.caretaker], State: c.state, Level: levels[c.order],
		Since: at(c.since), Seen: at(b.seen), Version: b.agent, Backup: at(b.backup), Proven: at(b.proven), Open: b.open,
	}
}

func wants(f *FleetFilter, c candidate, having map[string]map[wire.BoxID]bool, coops map[desk.CoopID]desk.Coop) bool {
	b := c.b
	switch {
	case f.Level != "" && levels[c.order] != f.Level,
		f.Coop != "" && b.coop != f.Coop && b.caretaker != f.Coop,
		f.Version != "" && b.agent != f.Version,
		f.Finding != "" && !having[f.Finding][b.id]:
		return false
	}
	q := strings.ToLower(strings.TrimSpace(f.Q))
	return q == "" || string(b.id) == q || having[strings.ToUpper(q)][b.id] ||
		strings.Contains(strings.ToLower(b.name), q) || strings.Contains(strings.ToLower(coops[b.coop].Name), q)
}

// fill adds to the rows of the chosen boxes their worst finding and week, one
// query each.
func (v *View) fill(ctx context.Context, chosen []candidate, out *Fleet) error {
	if len(chosen) == 0 {
		return nil
	}
	byNumber := make(map[int64]*FleetRow, len(chosen))
	numbers := make([]int64, len(chosen))
	for i, c := range chosen {
		byNumber[c.b.n], numbers[i] = &out.Rows[i], c.b.n
	}
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
