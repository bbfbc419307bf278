// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"coopkit/desk/wire"
	"coopkit/internal/sqlitedb"
)

// facts stores the newest facts, and what changed in them as events.
func (t *txn) facts(ctx context.Context, b *record, at time.Time, f wire.Facts) error {
	before, err := readFacts(ctx, t.Tx, b.n)
	if err != nil {
		return err
	}
	text, err := encode(f)
	if err != nil {
		return err
	}
	backup, proven := backupOf(f)
	if _, err := t.ExecContext(ctx, `UPDATE box SET facts = ?, name = coalesce(nullif(?, ''), name), agent = ?, backup = ?, proven = ? WHERE n = ?`, text, f.Name, f.Agent, backup, proven, b.n); err != nil {
		return fmt.Errorf("write facts: %w", err)
	}
	if before.Agent != f.Agent {
		err = t.event(ctx, b, Event{Kind: EventAgent, At: at, Text: f.Agent})
	}
	return errors.Join(err, t.installs(ctx, b, at, before.Installs, f.Installs))
}

func (t *txn) installs(ctx context.Context, b *record, at time.Time, before, after []wire.Install) error {
	had := make(map[string]wire.Install, len(before))
	for _, i := range before {
		had[i.Name] = i
	}
	event := func(kind EventKind, i wire.Install) error {
		return t.event(ctx, b, Event{Kind: kind, At: at, Subject: i.Called(), Text: i.Recipe + " " + i.Version})
	}
	var err error
	for _, i := range after {
		old, was := had[i.Name]
		delete(had, i.Name)
		switch {
		case !was:
			err = errors.Join(err, event(EventAdded, i))
		case old.Recipe != i.Recipe || old.Version != i.Version || old.Release != i.Release:
			err = errors.Join(err, event(EventChanged, i))
		}
	}
	for _, i := range before {
		if _, gone := had[i.Name]; gone {
			err = errors.Join(err, event(EventGone, i))
		}
	}
	return err
}

// backupOf is when data was last backed up, and when that was last proven.
func backupOf(f wire.Facts) (last, proven int64) {
	if f.Backup == nil {
		return 0, 0
	}
	return millis(f.Backup.Last.Time), millis(f.Backup.Proven.Time)
}

func readFacts(ctx context.Context, q sqlitedb.Querier, n int64) (f wire.Facts, err error) {
	var text []byte
	if err := q.QueryRowContext(ctx, `SELECT facts FROM box WHERE n = ?`, n).Scan(&text); err != nil {
		return f, fmt.Errorf("read facts: %w", err)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("read facts: %w", err)
	}
	return f, nil
}
