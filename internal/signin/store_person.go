// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

// errUnknownPerson is what a search by name finds for nobody.
var errUnknownPerson = &problem.Problem{
	Code: "person-unknown", Kind: problem.NotFound,
	What: "nobody here has this account",
	Next: []string{"look at the list of people"},
}

const personColumns = `person.id, person.name, person.display, person.language, person.coop, person.role, person.disabled, person.created, person.changed`

// personFields are where personColumns go.
func personFields(p *Person, created, changed *int64) []any {
	return []any{&p.ID, &p.Name, &p.Display, &p.Language, &p.Coop, &p.Role, &p.Disabled, created, changed}
}

func (s *Store) addPerson(ctx context.Context, p Person, password string) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error { return insertPerson(ctx, tx, p, password) })
}

func insertPerson(ctx context.Context, tx *sql.Tx, p Person, password string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO person (id, name, display, language, password, coop, role, created, changed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.ID, p.Name, p.Display, p.Language, password, p.Coop, p.Role, p.Created.UnixMilli(), p.Changed.UnixMilli())
	if err != nil {
		return fmt.Errorf("insert person: %w", err)
	}
	return nil
}

// account finds a person and their password hash by name.
func (s *Store) account(ctx context.Context, name string) (p Person, hash string, err error) {
	var created, changed int64
	err = s.db.Read().QueryRowContext(ctx, `SELECT `+personColumns+`, person.password FROM person WHERE name = ?`, name).
		Scan(append(personFields(&p, &created, &changed), &hash)...)
	return found(p, created, changed), hash, unknown(err, errUnknownPerson)
}

func (s *Store) person(ctx context.Context, id PersonID) (p Person, err error) {
	var created, changed int64
	err = s.db.Read().QueryRowContext(ctx, `SELECT `+personColumns+` FROM person WHERE id = ?`, id).
		Scan(personFields(&p, &created, &changed)...)
	return found(p, created, changed), unknown(err, errUnknownPerson)
}

func (s *Store) people(ctx context.Context) ([]Person, error) {
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (p Person, err error) {
		var created, changed int64
		err = rows.Scan(personFields(&p, &created, &changed)...)
		return found(p, created, changed), err
	}, `SELECT `+personColumns+` FROM person ORDER BY name`)
}

func found(p Person, created, changed int64) Person {
	if p.ID != "" {
		p.Created, p.Changed = moment(created), moment(changed)
	}
	return p
}

// unknown turns "no rows" into what it means.
func unknown(err, meaning error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return meaning
	case err != nil:
		return fmt.Errorf("query: %w", err)
	}
	return nil
}

// rehash replaces a hash by a newer one of the same password, unless the
// password was changed since.
func (s *Store) rehash(ctx context.Context, id PersonID, stale, password string) error {
	return s.exec(ctx, `UPDATE person SET password = ? WHERE id = ? AND password = ?`, password, id, stale)
}

// setPassword ends all sessions and tokens of the person; begun, if any, is the
// one that goes on.
func (s *Store) setPassword(ctx context.Context, id PersonID, password string, now time.Time, begun *Session) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error { return changePassword(ctx, tx, id, password, now, begun) })
}

func changePassword(ctx context.Context, tx *sql.Tx, id PersonID, password string, now time.Time, begun *Session) error {
	if err := change(ctx, tx, `UPDATE person SET password = ?, changed = ? WHERE id = ?`, password, now.UnixMilli(), id); err != nil {
		return err
	}
	if err := shut(ctx, tx, id); err != nil || begun == nil {
		return err
	}
	return insertSession(ctx, tx, *begun)
}

// change updates one person.
func change(ctx context.Context, tx *sql.Tx, text string, args ...any) error {
	result, err := tx.ExecContext(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("change person: %w", err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return errUnknownPerson
	}
	return err
}

// shut ends all sessions of a person and their unused tokens.
func shut(ctx context.Context, tx *sql.Tx, id PersonID) error {
	for _, text := range []string{`DELETE FROM session WHERE person = ?`, `DELETE FROM signin_token WHERE person = ? AND used IS NULL`} {
		if _, err := tx.ExecContext(ctx, text, id); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
	}
	return nil
}

func (s *Store) enable(ctx context.Context, id PersonID, now time.Time) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		return change(ctx, tx, `UPDATE person SET disabled = 0, changed = ? WHERE id = ?`, now.UnixMilli(), id)
	})
}

func (s *Store) disable(ctx context.Context, id PersonID, now time.Time) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := change(ctx, tx, `UPDATE person SET disabled = 1, changed = ? WHERE id = ?`, now.UnixMilli(), id); err != nil {
			return err
		}
		var open int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM person WHERE disabled = 0`).Scan(&open); err != nil {
			return fmt.Errorf("count open accounts: %w", err)
		}
		if open == 0 {
			return &problem.Problem{
				Code: "last-account", Kind: problem.Conflict,
				What: "this is the last account that can sign in",
				Why:  "nobody could open one again",
				Next: []string{"add another person first"},
			}
		}
		return shut(ctx, tx, id)
	})
}
