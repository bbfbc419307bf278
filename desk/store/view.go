// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

// View is the desk as one principal may see and change it. What exists
// elsewhere and what does not exist give the same Problem "box-unknown"; what
// the role may not do gives "not-allowed".
type View struct {
	s   *Store
	who desk.Principal
}

// As returns the view of a principal.
func (s *Store) As(p desk.Principal) *View { return &View{s: s, who: p} }

// sees reports whether boxes of coop under caretaker are in the principal's
// scope. The SQL of scope says the same.
func (v *View) sees(coop, caretaker desk.CoopID) bool {
	return v.who.Role == desk.Coordinator || v.who.Coop != "" && (coop == v.who.Coop || caretaker == v.who.Coop)
}

// scope is sees for a query whose first two parameters are scopeArgs and whose
// table with coop and caretaker is t.
const scope = `(?1 OR ?2 <> '' AND (t.coop = ?2 OR coalesce(t.caretaker, '') = ?2))`

func (v *View) scopeArgs(more ...any) []any {
	return append([]any{v.who.Role == desk.Coordinator, v.who.Coop}, more...)
}

// mayAct reports whether the role may change boxes in its scope.
func (v *View) mayAct() error {
	if v.who.Role != desk.Technician && v.who.Role != desk.Coordinator {
		return v.forbidden()
	}
	return nil
}

func (v *View) forbidden() error {
	return &problem.Problem{
		Code: "not-allowed", Kind: problem.Forbidden,
		What: "your account may not do this",
		Why:  "members look; technicians invite and confirm boxes of their co-op and those that it looks after; coordinators do so for all, also without a comparison of words, and add co-ops and people",
		Next: []string{"ask a technician of your co-op, or a coordinator of this desk"},
	}
}

func unknownBox() error {
	return &problem.Problem{
		Code: "box-unknown", Kind: problem.NotFound,
		What: "there is no such box",
		Why:  "it is not at this desk, or it is not one that you may see",
		Next: []string{"look for it in the fleet"},
	}
}

// find returns a box, if it is in scope.
func (v *View) find(ctx context.Context, q sqlitedb.Querier, id wire.BoxID) (*record, error) {
	found, err := sqlitedb.Query(ctx, q, scanRecord, selectRecord+` WHERE `+scope+` AND t.id = ?3`, v.scopeArgs(id)...)
	if err != nil {
		return nil, fmt.Errorf("read box: %w", err)
	}
	if len(found) == 0 {
		return nil, unknownBox()
	}
	return found[0], nil
}

// act changes one box in scope.
func (v *View) act(ctx context.Context, id wire.BoxID, fn func(t *txn, b *record) error) error {
	return v.s.write(ctx, func(t *txn) error {
		b, err := v.find(ctx, t.Tx, id)
		if err != nil {
			return err
		}
		if err := v.mayAct(); err != nil {
			return err
		}
		if b.kept == keptLeft {
			return unknownBox()
		}
		return fn(t, b)
	})
}

// Confirm says that somebody has compared the four words: the box may report.
// To confirm twice changes nothing.
func (v *View) Confirm(ctx context.Context, id wire.BoxID) error {
	return v.act(ctx, id, func(t *txn, b *record) error {
		if b.kept != keptPending {
			return nil
		}
		// From now on it is missed when it says nothing.
		if _, err := t.ExecContext(ctx, `UPDATE box SET joined = ? WHERE n = ?`, t.now.UnixMilli(), b.n); err != nil {
			return fmt.Errorf("confirm box: %w", err)
		}
		if err := t.keep(ctx, b, keptActive); err != nil {
			return err
		}
		return t.event(ctx, b, Event{Kind: EventConfirmed, Subject: v.who.Person})
	})
}

// Restored says of a suspected box that it is the same one, put back to an
// older state: its next report is taken, wherever its journal begins.
func (v *View) Restored(ctx context.Context, id wire.BoxID) error {
	return v.act(ctx, id, func(t *txn, b *record) error {
		if b.kept != keptSuspected {
			return nil
		}
		b.p.restored = true
		if err := t.moveOn(ctx, b, nil); err != nil {
			return err
		}
		if err := t.keep(ctx, b, keptActive); err != nil {
			return err
		}
		if err := t.drop(ctx, b, t.now, fromDesk, wire.FindingName{Code: CodeSuspected}); err != nil {
			return err
		}
		if err := t.recount(ctx, b); err != nil {
			return err
		}
		return t.event(ctx, b, Event{Kind: EventRestored, Subject: v.who.Person})
	})
}

// RemoveBox ends a box's life at this desk; a pending one is refused with it.
// Its reports are answered with "box-gone" from then on.
func (v *View) RemoveBox(ctx context.Context, id wire.BoxID) error {
	return v.act(ctx, id, func(t *txn, b *record) error {
		return t.leave(ctx, b, Event{Kind: EventRemoved, Subject: v.who.Person})
	})
}

// Invite is what a new invitation is for.
type Invite struct {
	Coop      desk.CoopID
	Caretaker desk.CoopID   // may be empty
	Valid     time.Duration // 0: DefaultValid
	Confirmed bool          // the box need not be confirmed; for coordinators
}

// Invite records an invitation, of which the desk keeps hashes of the secret
// only. A technician may invite for their own co-op, and as its caretaker for
// co-ops whose boxes it looks after; a coordinator for all. Only a coordinator
// may do without the comparison of words.
func (v *View) Invite(ctx context.Context, code wire.Invitation, i Invite) (desk.Invitation, error) {
	if err := v.mayAct(); err != nil {
		return desk.Invitation{}, err
	}
	if i.Confirmed && v.who.Role != desk.Coordinator {
		return desk.Invitation{}, v.forbidden()
	}
	if err := v.checkInvite(ctx, &i); err != nil {
		return desk.Invitation{}, err
	}
	now := v.s.now().UTC().Truncate(time.Millisecond)
	out := desk.Invitation{
		ID: code.ID(), Coop: i.Coop, Caretaker: i.Caretaker, By: v.who.Person,
		Created: now, Expires: now.Add(i.Valid), Confirmed: i.Confirmed,
	}
	verifier := wire.VerifierOf(code.Secret)
	err := v.s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO invitation (id, verifier, coop, caretaker, made_by, created, expires, confirmed) VALUES (?, ?, ?, nullif(?, ''), ?, ?, ?, ?)`,
			out.ID, verifier[:], out.Coop, out.Caretaker, out.By, out.Created.UnixMilli(), out.Expires.UnixMilli(), out.Confirmed)
		return err
	})
	if err != nil {
		return desk.Invitation{}, fmt.Errorf("write invitation: %w", err)
	}
	return out, nil
}

func (v *View) checkInvite(ctx context.Context, i *Invite) error {
	if i.Valid == 0 {
		i.Valid = DefaultValid
	}
	coops, err := v.Coops(ctx)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(coops, func(c desk.Coop) bool { return c.ID == i.Coop })
	caretaker, err := v.s.Coop(ctx, i.Caretaker)
	if err != nil {
		return err
	}
	mine := v.sees(i.Coop, i.Caretaker)
	switch {
	case !known || !mine:
		return &problem.Problem{
			Code: "coop-unknown", Kind: problem.NotFound,
			What: "there is no such co-op, or you cannot invite its boxes",
			Why:  "technicians invite boxes of their own co-op, and of co-ops whose boxes it looks after",
			Next: []string{"choose a co-op of the list", "ask a coordinator to add the co-op and make the first invitation"},
		}
	case i.Caretaker != "" && (!caretaker.ITCoop || !v.sees("", i.Caretaker)):
		return &problem.Problem{
			Code: "caretaker-unknown", Kind: problem.Invalid,
			What: "the co-op that should look after the box is not an IT co-op that you may choose",
			Why:  "technicians choose their own, coordinators every IT co-op of this desk",
			Next: []string{"choose an IT co-op of the list, or nobody"},
		}
	case i.Valid < time.Minute || i.Valid > MaxValid:
		return &problem.Problem{
			Code: "invitation-too-long", Kind: problem.Invalid,
			What: "an invitation is valid for at least a minute and at most 24 hours",
			Why:  "the longer it lies around, the more likely it is that somebody else uses it",
			Next: []string{"choose a shorter time; a new invitation is made in seconds"},
		}
	}
	return nil
}

// Withdraw takes back an invitation that is not used.
func (v *View) Withdraw(ctx context.Context, id string) error {
	if err := v.mayAct(); err != nil {
		return err
	}
	var gone int64
	err := v.s.db.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `DELETE FROM invitation AS t WHERE `+scope+` AND id = ?3 AND used IS NULL`, v.scopeArgs(id)...)
		if err != nil {
			return fmt.Errorf("delete invitation: %w", err)
		}
		gone, err = done.RowsAffected()
		return err
	})
	if err != nil {
		return err
	}
	if gone == 0 {
		return &problem.Problem{
			Code: "invitation-not-open", Kind: problem.NotFound,
			What: "there is no such invitation that could be taken back",
			Why:  "it was used, it was taken back already, or it is not one of yours",
			Next: []string{"look at the list of invitations; a box that has joined is removed on its own page"},
		}
	}
	return nil
}

// Person is an account of this desk.
type Person struct {
	ID, Name, Display string
	Coop              desk.CoopID
	Role              desk.Role
	Disabled          bool
	Created           time.Time
}

// People returns the accounts of the principal's co-op; for a coordinator all.
func (v *View) People(ctx context.Context) ([]Person, error) {
	people, err := sqlitedb.Query(ctx, v.s.db.Read(), func(rows *sql.Rows) (p Person, err error) {
		var created int64
		err = rows.Scan(&p.ID, &p.Name, &p.Display, &p.Coop, &p.Role, &p.Disabled, &created)
		p.Created = at(created)
		return p, err
	}, `SELECT id, name, display, coop, role, disabled, created FROM person WHERE ?1 OR ?2 <> '' AND coop = ?2 ORDER BY display, id`, v.scopeArgs()...)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return people, nil
}

// MayManage returns the Problem "not-allowed" unless the principal may add
// co-ops, and add, change and disable people.
func (v *View) MayManage() error {
	if v.who.Role != desk.Coordinator {
		return v.forbidden()
	}
	return nil
}
