// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

// How long an invitation is good for.
const (
	DefaultValid = time.Hour
	MaxValid     = 24 * time.Hour
)

// Invited is what the desk keeps of an invitation, for the enrolment that it
// admits.
type Invited struct {
	desk.Invitation
	CoopName string
	Verifier [32]byte // wire.VerifierOf its secret
	Request  []byte   // SHA-256 of the request that used it; nil: not used
	Answer   []byte   // what the desk answered then
}

// Invited returns the invitation with this id, used or not. One that does not
// exist gives a Problem "invitation-unknown".
func (s *Store) Invited(ctx context.Context, id string) (Invited, error) {
	rows, err := sqlitedb.Query(ctx, s.db.Read(), scanInvited, invitedColumns+` WHERE t.id = ?`, id)
	if err != nil {
		return Invited{}, err
	}
	if len(rows) == 0 {
		return Invited{}, UnknownInvitation()
	}
	return rows[0], nil
}

const invitedColumns = `SELECT ` + invitationColumns + `, c.name, t.verifier, t.request, t.answer FROM invitation t JOIN coop c ON c.id = t.coop`

func scanInvited(rows *sql.Rows) (i Invited, err error) {
	var verifier []byte
	i.Invitation, err = readInvitation(rows, &i.CoopName, &verifier, &i.Request, &i.Answer)
	copy(i.Verifier[:], verifier)
	return i, err
}

// InvitationList is one page of invitations.
type InvitationList struct {
	Rows        []desk.Invitation
	Page, Pages int // from 1
}

// Invitations returns a page of those in scope: open ones first, newest first. A
// page after the last one is the last.
func (v *View) Invitations(ctx context.Context, page int) (InvitationList, error) {
	if err := v.mayAct(); err != nil {
		return InvitationList{}, err
	}
	var all int
	if err := v.s.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM invitation t WHERE `+scope, v.scopeArgs()...).Scan(&all); err != nil {
		return InvitationList{}, fmt.Errorf("count invitations: %w", err)
	}
	out := InvitationList{Pages: max((all+PageSize-1)/PageSize, 1)}
	out.Page = min(max(page, 1), out.Pages)
	var err error
	out.Rows, err = sqlitedb.Query(ctx, v.s.db.Read(), scanInvitation, `SELECT `+invitationColumns+` FROM invitation t WHERE `+scope+`
		ORDER BY used IS NULL AND expires >= ?3 DESC, created DESC, id LIMIT ?4 OFFSET ?5`,
		v.scopeArgs(v.s.now().UnixMilli(), PageSize, (out.Page-1)*PageSize)...)
	if err != nil {
		return InvitationList{}, fmt.Errorf("list invitations: %w", err)
	}
	return out, nil
}

const invitationColumns = `t.id, t.coop, coalesce(t.caretaker, ''), t.made_by, t.created, t.expires, coalesce(t.used, 0), coalesce(t.box, ''), t.confirmed`

func scanInvitation(rows *sql.Rows) (desk.Invitation, error) { return readInvitation(rows) }

// readInvitation reads invitationColumns, and into more what follows them.
func readInvitation(rows *sql.Rows, more ...any) (i desk.Invitation, err error) {
	var created, expires, used int64
	err = rows.Scan(append([]any{&i.ID, &i.Coop, &i.Caretaker, &i.By, &created, &expires, &used, &i.Box, &i.Confirmed}, more...)...)
	i.Created, i.Expires, i.Used = at(created), at(expires), at(used)
	return i, err
}

// NewBox is a box that has proven that it was invited.
type NewBox struct {
	Invitation string
	ID         wire.BoxID
	Key        []byte
	Link       [32]byte
	Words      [4]string
	Facts      wire.Facts
	Request    []byte // SHA-256
	Answer     []byte
}

// Enrol takes on a box and uses up its invitation, both or neither. An
// invitation that was used or has expired meanwhile gives a Problem
// "invitation-used" or "invitation-expired".
func (s *Store) Enrol(ctx context.Context, n NewBox) error {
	return s.write(ctx, func(t *txn) error {
		rows, err := sqlitedb.Query(ctx, t.Tx, scanInvited, invitedColumns+` WHERE t.id = ?`, n.Invitation)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return UnknownInvitation()
		}
		i := rows[0]
		if err := i.Usable(t.now); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `UPDATE invitation SET used = ?, box = ?, request = ?, answer = ? WHERE id = ?`,
			t.now.UnixMilli(), n.ID, n.Request, n.Answer, n.Invitation); err != nil {
			return fmt.Errorf("use invitation: %w", err)
		}
		return t.enrol(ctx, i, n)
	})
}

// Usable returns the Problem "invitation-used" or "invitation-expired" that
// stands in the way at now, or nil.
func (i Invited) Usable(now time.Time) error {
	if !i.Used.IsZero() {
		return &problem.Problem{
			Code: "invitation-used", Kind: problem.Conflict,
			What: "this invitation was used already",
			Why:  "each lets one box join, once",
			Next: []string{"ask your IT co-op for a new one", "if you did not use it yourself, tell them: somebody else did"},
		}
	}
	if now.After(i.Expires) {
		return &problem.Problem{
			Code: "invitation-expired", Kind: problem.Conflict,
			What: "this invitation is no longer valid",
			Why:  "it was good until " + i.Expires.UTC().Format("2 January 2006, 15:04 UTC"),
			Next: []string{"ask your IT co-op for a new one"},
		}
	}
	return nil
}

// UnknownInvitation is the Problem "invitation-unknown".
func UnknownInvitation() error {
	return &problem.Problem{
		Code: "invitation-unknown", Kind: problem.Forbidden,
		What: "this desk did not make the invitation, or its secret is wrong",
		Why:  "it was mistyped, taken back, or is for another desk",
		Next: []string{"copy the whole invitation and try again", "ask your IT co-op for a new one"},
	}
}

// enrol adds the box itself.
func (t *txn) enrol(ctx context.Context, i Invited, n NewBox) error {
	facts, err := encode(n.Facts)
	if err != nil {
		return err
	}
	kept := keptPending
	if i.Confirmed {
		kept = keptActive
	}
	backup, proven := backupOf(n.Facts)
	b := &record{}
	err = t.QueryRowContext(ctx, `INSERT INTO box (id, coop, caretaker, name, key, link, words, joined, kept, facts, agent, backup, proven)
		VALUES (?, ?, nullif(?, ''), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING n`,
		n.ID, i.Coop, i.Caretaker, cmp.Or(n.Facts.Name, string(n.ID)), n.Key, n.Link[:], joinWords(n.Words), t.now.UnixMilli(), kept, facts, n.Facts.Agent, backup, proven).Scan(&b.n)
	if err != nil {
		return fmt.Errorf("insert box: %w", err)
	}
	// Its journal may begin anywhere: the desk may have been put back to an older state.
	if _, err := t.ExecContext(ctx, `INSERT INTO progress (box, seen, sent, first, heads, lost, complete, restored) VALUES (?, 0, 0, 1, ?, 0, 0, 1)`, b.n, headsBlob(make([]wire.Head, 1))); err != nil {
		return fmt.Errorf("insert progress: %w", err)
	}
	return t.event(ctx, b, Event{Kind: EventJoined, Subject: i.By})
}
