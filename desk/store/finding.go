// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"coopkit/desk/wire"
	"coopkit/internal/sqlitedb"
)

// mostOpen bounds what one box can make the desk keep.
const mostOpen = 2 * wire.MaxOpen

// The findings that the desk itself makes about a box.
const (
	CodeSuspected  = "BOX-SUSPECTED"
	CodeClockWrong = "BOX-CLOCK-WRONG"
)

// ours reports whether only the desk makes findings of this code: a box, or its
// copy, could hide them with its own.
func ours(code string) bool { return code == CodeSuspected || code == CodeClockWrong }

const (
	fromBox  = "box"
	fromDesk = "desk"
)

var severities = map[string]int{"notice": 1, "warning": 2, "critical": 3}

// severityName is the word for what is stored; "" for no finding.
func severityName(severity int) string {
	return [...]string{"", "notice", "warning", "critical"}[severity]
}

// found opens or changes a finding of the box.
func (b *batch) found(ctx context.Context, l *live, at time.Time, f wire.Finding) error {
	changed, err := b.put(ctx, l, at, fromBox, f)
	if err != nil || !changed {
		return err
	}
	return b.recount(ctx, l)
}

// put writes one open finding, and an event when it is new or its severity
// changed; it reports whether anything that is counted may have changed.
func (b *batch) put(ctx context.Context, l *live, at time.Time, source string, f wire.Finding) (bool, error) {
	var before int
	var owner string
	err := b.tx.QueryRowContext(ctx, `SELECT severity, source FROM finding WHERE box = ? AND code = ? AND subject = ?`, l.n, f.Code, f.Subject).Scan(&before, &owner)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("look for finding: %w", err)
	}
	if source == fromBox && (ours(f.Code) || owner == "" && l.open >= mostOpen) {
		return false, nil
	}
	text, err := encode(f)
	if err != nil {
		return false, err
	}
	severity := severities[f.Severity]
	since := f.Since.Time
	if since.IsZero() {
		since = at
	}
	if _, err := b.tx.ExecContext(ctx, `INSERT INTO finding (box, code, subject, source, severity, since, finding) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (box, code, subject) DO UPDATE SET severity = excluded.severity, since = excluded.since, finding = excluded.finding`,
		l.n, f.Code, f.Subject, source, severity, since.UnixMilli(), text); err != nil {
		return false, fmt.Errorf("write finding: %w", err)
	}
	if owner == "" {
		l.open++
	}
	if before == severity {
		return true, nil
	}
	return true, b.event(ctx, l, Event{Kind: EventFinding, At: at, Code: f.Code, Subject: f.Subject, Severity: f.Severity, Text: f.What})
}

// solved closes a finding of the box.
func (b *batch) solved(ctx context.Context, l *live, at time.Time, name wire.FindingName) error {
	if err := b.drop(ctx, l, at, fromBox, name); err != nil {
		return err
	}
	return b.recount(ctx, l)
}

func (b *batch) drop(ctx context.Context, l *live, at time.Time, source string, name wire.FindingName) error {
	var text string
	err := b.tx.QueryRowContext(ctx, `DELETE FROM finding WHERE box = ? AND code = ? AND subject = ? AND source = ? RETURNING finding`, l.n, name.Code, name.Subject, source).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete finding: %w", err)
	}
	f, err := readFinding(text)
	if err != nil {
		return err
	}
	return b.event(ctx, l, Event{Kind: EventSolved, At: at, Code: name.Code, Subject: name.Subject, Severity: f.Severity, Text: f.What})
}

// replaceOpen makes the list all that is open of the box.
func (b *batch) replaceOpen(ctx context.Context, l *live, at time.Time, open []wire.Finding) error {
	still := make(map[wire.FindingName]bool, len(open))
	for _, f := range open {
		still[f.FindingName] = true
	}
	had, err := sqlitedb.Query(ctx, b.tx, func(rows *sql.Rows) (n wire.FindingName, err error) {
		return n, rows.Scan(&n.Code, &n.Subject)
	}, `SELECT code, subject FROM finding WHERE box = ? AND source = ?`, l.n, fromBox)
	if err != nil {
		return fmt.Errorf("list findings: %w", err)
	}
	for _, name := range had {
		if still[name] {
			continue
		}
		if err := b.drop(ctx, l, at, fromBox, name); err != nil {
			return err
		}
	}
	for _, f := range open {
		if _, err := b.put(ctx, l, at, fromBox, f); err != nil {
			return err
		}
	}
	return b.recount(ctx, l)
}

// recount brings what memory knows of the box's findings up to date.
func (b *batch) recount(ctx context.Context, l *live) error {
	l.open, l.worst, l.since = 0, 0, 0
	_, err := sqlitedb.Query(ctx, b.tx, func(rows *sql.Rows) (struct{}, error) {
		var since int64
		var severity int
		err := rows.Scan(&severity, &since)
		l.count(severity, since)
		return struct{}{}, err
	}, `SELECT severity, since FROM finding WHERE box = ?`, l.n)
	if err != nil {
		return fmt.Errorf("count findings: %w", err)
	}
	return nil
}

// suspect notes that two boxes use one key, or that a journal went back.
func (b *batch) suspect(ctx context.Context, l *live) error {
	if l.kept == keptSuspected {
		return nil
	}
	if err := b.keep(ctx, l, keptSuspected); err != nil {
		return err
	}
	_, err := b.put(ctx, l, b.now, fromDesk, wire.Finding{
		FindingName: wire.FindingName{Code: CodeSuspected}, Severity: "critical",
		What: "Two boxes may report as this one",
		Why:  "a report came that does not continue those before; the box was put back to an older state, or it was copied",
		Next: []string{"ask the co-op whether the box was restored; if so, confirm here that it is the same one", "otherwise find the copy, remove this box here and invite it anew"},
		Who:  "itcoop", Since: wire.At(b.now),
	})
	if err != nil {
		return err
	}
	return b.recount(ctx, l)
}

// clock notes when the box's clock begins or ends to be wrong.
func (b *batch) clock(ctx context.Context, l *live, skew, before time.Duration) error {
	wrong, was := skew.Abs() > wire.MaxSkew, before.Abs() > wire.MaxSkew
	if wrong == was {
		return nil
	}
	name := wire.FindingName{Code: CodeClockWrong}
	if !wrong {
		if err := b.drop(ctx, l, b.now, fromDesk, name); err != nil {
			return err
		}
		return b.recount(ctx, l)
	}
	way := "ahead"
	if skew < 0 {
		way = "behind"
	}
	_, err := b.put(ctx, l, b.now, fromDesk, wire.Finding{
		FindingName: name, Severity: "warning",
		What: fmt.Sprintf("The clock of this box is %s %s", skew.Abs().Round(time.Minute), way),
		Why:  "with a wrong clock certificates are not renewed in time and people can not sign in",
		Next: []string{"check that the box keeps its time from the network: timedatectl"},
		Who:  "itcoop", Since: wire.At(b.now),
		Args: map[string]string{"case": way, "skew_seconds": strconv.FormatInt(int64(skew.Abs()/time.Second), 10)},
	})
	if err != nil {
		return err
	}
	return b.recount(ctx, l)
}

func readFinding(text string) (f wire.Finding, err error) {
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, fmt.Errorf("read finding: %w", err)
	}
	return f, nil
}
