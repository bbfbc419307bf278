// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"fmt"
	"time"
)

// EventKind says what happened to a box.
type EventKind string

// The kinds. Text, Subject and Code of an Event depend on them.
const (
	EventJoined    EventKind = "joined"    // Subject: who made the invitation
	EventConfirmed EventKind = "confirmed" // Subject: who
	EventRestored  EventKind = "restored"  // a person said that it is the same box; Subject: who
	EventRemoved   EventKind = "removed"   // Subject: who
	EventLeft      EventKind = "left"      // the box went by itself; Text: why
	EventFinding   EventKind = "finding"   // new or changed; Code, Subject, Severity; Text: what
	EventSolved    EventKind = "solved"    // the same
	EventGap       EventKind = "gap"       // entries never came; Text: how many
	EventMissing   EventKind = "missing"   // the box dropped samples; Text: how many
	EventAgent     EventKind = "agent"     // Text: the new version
	EventAdded     EventKind = "added"     // Subject: an app; Text: recipe and version
	EventChanged   EventKind = "changed"   // the same
	EventGone      EventKind = "gone"      // the same
)

// Event is one thing that happened to a box.
type Event struct {
	At       time.Time
	Kind     EventKind
	Code     string
	Subject  string
	Severity string
	Text     string
	Args     map[string]string // of a finding: the values in its words; nil where an older program wrote it
}

// event adds to what happened; without a time, it happened now.
func (t *txn) event(ctx context.Context, b *record, e Event) error {
	if e.At.IsZero() {
		e.At = t.now
	}
	args, err := encode(e.Args)
	if err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO event (box, at, kind, code, subject, severity, text, args) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		b.n, e.At.UnixMilli(), e.Kind, e.Code, e.Subject, severities[e.Severity], e.Text, args); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}
