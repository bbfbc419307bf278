// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
)

// Of the log of one job the first and the last so many events stay, and all that
// say how a step went. What is between is deleted when pruneEvery more have come.
const (
	firstKept  = 1000
	lastKept   = 1000
	pruneEvery = 500
)

// AddEvents implements jobs.Journal.
func (s *Store) AddEvents(ctx context.Context, id appliance.JobID, events []appliance.JobEvent) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		var last int64
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM job_event WHERE job = ?`, id).Scan(&last); err != nil {
			return fmt.Errorf("number events: %w", err)
		}
		add, err := tx.PrepareContext(ctx, `INSERT INTO job_event (job, seq, time, event) VALUES (?, ?, ?, ?)`)
		if err != nil {
			return fmt.Errorf("add events: %w", err)
		}
		defer func() { _ = add.Close() }() // the transaction closes it as well
		for i, ev := range events {
			ev.Seq = last + int64(i) + 1
			text, err := encode(ev)
			if err != nil {
				return err
			}
			if _, err := add.ExecContext(ctx, id, ev.Seq, millis(ev.Time), text); err != nil {
				return fmt.Errorf("add event: %w", err)
			}
		}
		if now := last + int64(len(events)); now > firstKept+lastKept && now/pruneEvery > last/pruneEvery {
			return pruneEvents(ctx, tx, id, now-lastKept)
		}
		return nil
	})
}

// pruneEvents deletes the lines of a job's log from firstKept to the number
// until. The numbers of those that stay tell that some are gone.
func pruneEvents(ctx context.Context, tx *sql.Tx, id appliance.JobID, until int64) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM job_event WHERE job = ? AND seq > ? AND seq <= ? AND event ->> 'state' IS NULL`, id, firstKept, until)
	return err
}

// Events implements jobs.Journal.
func (s *Store) Events(ctx context.Context, id appliance.JobID, after int64) ([]appliance.JobEvent, error) {
	events, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (ev appliance.JobEvent, err error) {
		var seq int64
		var text string
		if err := rows.Scan(&seq, &text); err != nil {
			return ev, err
		}
		if err := json.Unmarshal([]byte(text), &ev); err != nil { // one line that cannot be read hides no other
			ev = appliance.JobEvent{Text: "a line that cannot be read: " + err.Error()}
		}
		ev.Job, ev.Seq = id, seq
		return ev, nil
	}, `SELECT seq, event FROM job_event WHERE job = ? AND seq > ? ORDER BY seq`, id, after)
	return withGone(events, after), err
}

// withGone puts an event where lines were deleted, so that no number is missing.
func withGone(events []appliance.JobEvent, after int64) []appliance.JobEvent {
	var out []appliance.JobEvent
	for _, ev := range events {
		if gone := ev.Seq - after - 1; gone > 0 {
			out = append(out, appliance.JobEvent{
				Job: ev.Job, Seq: ev.Seq - 1, Time: ev.Time, Step: ev.Step,
				Text: fmt.Sprintf("… %d lines are left out here …", gone), Gone: gone,
			})
		}
		out = append(out, ev)
		after = ev.Seq
	}
	return out
}
