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
func (t *txn) found(ctx context.Context, b *record, at time.Time, f wire.Finding) error {
	if err := t.put(ctx, b, at, fromBox, f); err != nil {
		return err
	}
	return t.recount(ctx, b)
}

// put writes one open finding, and an event when it is new or its severity
// changed. recount goes with it.
func (t *txn) put(ctx context.Context, b *record, at time.Time, source string, f wire.Finding) error {
	var before, open int
	var owner string
	err := t.QueryRowContext(ctx, `SELECT coalesce(max(f.severity), 0), coalesce(max(f.source), ''), (SELECT count(*) FROM finding WHERE box = ?1)
		FROM finding f WHERE f.box = ?1 AND f.code = ?2 AND f.subject = ?3`, b.n, f.Code, f.Subject).Scan(&before, &owner, &open)
	if err != nil {
		return fmt.Errorf("look for finding: %w", err)
	}
	if source == fromBox && (ours(f.Code) || owner == "" && open >= mostOpen) {
		return nil
	}
	text, err := encode(f)
	if err != nil {
		return err
	}
	severity := severities[f.Severity]
	since := f.Since.Time
	if since.IsZero() {
		since = at
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO finding (box, code, subject, source, severity, since, finding) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (box, code, subject) DO UPDATE SET severity = excluded.severity, since = excluded.since, finding = excluded.finding`,
		b.n, f.Code, f.Subject, source, severity, since.UnixMilli(), text); err != nil {
		return fmt.Errorf("write finding: %w", err)
	}
	if before == severity {
		return nil
	}
	return t.event(ctx, b, Event{Kind: EventFinding, At: at, Code: f.Code, Subject: f.Subject, Severity: f.Severity, Text: f.What, Args: f.Args})
}

// solved closes a finding of the box.
func (t *txn) solved(ctx context.Context, b *record, at time.Time, name wire.FindingName) error {
	if err := t.drop(ctx, b, at, fromBox, name); err != nil {
		return err
	}
	return t.recount(ctx, b)
}

func (t *txn) drop(ctx context.Context, b *record, at time.Time, source string, name wire.FindingName) error {
	var text string
	err := t.QueryRowContext(ctx, `DELETE FROM finding WHERE box = ? AND code = ? AND subject = ? AND source = ? RETURNING finding`, b.n, name.Code, name.Subject, source).Scan(&text)
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
	return t.event(ctx, b, Event{Kind: EventSolved, At: at, Code: name.Code, Subject: name.Subject, Severity: f.Severity, Text: f.What, Args: f.Args})
}

// replaceOpen makes the list all that is open of the box.
func (t *txn) replaceOpen(ctx context.Context, b *record, at time.Time, open []wire.Finding) error {
	still := make(map[wire.FindingName]bool, len(open))
	for _, f := range open {
		still[f.FindingName] = true
	}
	had, err := sqlitedb.Query(ctx, t.Tx, func(rows *sql.Rows) (n wire.FindingName, err error) {
		return n, rows.Scan(&n.Code, &n.Subject)
	}, `SELECT code, subject FROM finding WHERE box = ? AND source = ?`, b.n, fromBox)
	if err != nil {
		return fmt.Errorf("list findings: %w", err)
	}
	for _, name := range had {
		if still[name] {
			continue
		}
		if err := t.drop(ctx, b, at, fromBox, name); err != nil {
			return err
		}
	}
	for _, f := range open {
		if err := t.put(ctx, b, at, fromBox, f); err != nil {
			return err
		}
	}
	return t.recount(ctx, b)
}

// recount brings what the box's row says of its findings up to date.
func (t *txn) recount(ctx context.Context, b *record) error {
	err := t.QueryRowContext(ctx, `UPDATE box SET (open, worst, since) = (
			SELECT count(*), coalesce(max(severity), 0), coalesce(min(since) FILTER (WHERE severity = (SELECT max(severity) FROM finding WHERE box = n)), 0)
			FROM finding WHERE box = n)
		WHERE n = ? RETURNING worst`, b.n).Scan(&b.worst)
	if err != nil {
		return fmt.Errorf("count findings: %w", err)
	}
	return nil
}

// suspect notes that two boxes use one key, or that a journal went back.
func (t *txn) suspect(ctx context.Context, b *record) error {
	if b.kept == keptSuspected {
		return nil
	}
	if err := t.keep(ctx, b, keptSuspected); err != nil {
		return err
	}
	err := t.put(ctx, b, t.now, fromDesk, wire.Finding{
		FindingName: wire.FindingName{Code: CodeSuspected}, Severity: "critical",
		What: "Two boxes may report as this one",
		Why:  "a report came that does not continue those before; the box was put back to an older state, or it was copied",
		Next: []string{"ask the co-op whether the box was restored; if so, confirm here that it is the same one", "otherwise find the copy, remove this box here and invite it anew"},
		Who:  "itcoop", Since: wire.At(t.now),
	})
	if err != nil {
		return err
	}
	return t.recount(ctx, b)
}

// clock notes when the box's clock begins or ends to be wrong.
func (t *txn) clock(ctx context.Context, b *record, skew, before time.Duration) error {
	wrong, was := skew.Abs() > wire.MaxSkew, before.Abs() > wire.MaxSkew
	if wrong == was {
		return nil
	}
	name := wire.FindingName{Code: CodeClockWrong}
	if !wrong {
		if err := t.drop(ctx, b, t.now, fromDesk, name); err != nil {
			return err
		}
		return t.recount(ctx, b)
	}
	way := "ahead"
	if skew < 0 {
		way = "behind"
	}
	err := t.put(ctx, b, t.now, fromDesk, wire.Finding{
		FindingName: name, Severity: "warning",
		What: fmt.Sprintf("The clock of this box is %s %s", skew.Abs().Round(time.Minute), way),
		Why:  "with a wrong clock certificates are not renewed in time and people cannot sign in",
		Next: []string{"check that the box keeps its time from the network: timedatectl"},
		Who:  "itcoop", Since: wire.At(t.now),
		Args: map[string]string{"case": way, "skew_seconds": strconv.FormatInt(int64(skew.Abs()/time.Second), 10)},
	})
	if err != nil {
		return err
	}
	return t.recount(ctx, b)
}

func readFinding(text string) (f wire.Finding, err error) {
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, fmt.Errorf("read finding: %w", err)
	}
	return f, nil
}
