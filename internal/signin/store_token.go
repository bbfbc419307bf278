// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

var (
	errUnknownToken = errors.New("find token: there is none")
	errTokenUsed    = errors.New("use token: it was used")
)

// tokenRow is a token as the database knows it.
type tokenRow struct {
	hash    string
	person  PersonID // empty: it makes the first account
	expires time.Time
	used    bool
}

// addToken replaces unused tokens for the same.
func (s *Store) addToken(ctx context.Context, t tokenRow, now time.Time) error {
	person := sql.NullString{String: string(t.person), Valid: t.person != ""}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM signin_token WHERE person IS ? AND used IS NULL`, person); err != nil {
			return fmt.Errorf("remove older tokens: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO signin_token (hash, person, created, expires) VALUES (?, ?, ?, ?)`,
			t.hash, person, now.UnixMilli(), t.expires.UnixMilli())
		if err != nil {
			return fmt.Errorf("insert token: %w", err)
		}
		return nil
	})
}

func (s *Store) token(ctx context.Context, hash string) (tokenRow, error) {
	t := tokenRow{hash: hash}
	var expires int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT ifnull(person, ''), expires, used IS NOT NULL FROM signin_token WHERE hash = ?`, hash).
		Scan(&t.person, &expires, &t.used)
	t.expires = moment(expires)
	return t, unknown(err, errUnknownToken)
}

// useToken lets one of several through.
func useToken(ctx context.Context, tx *sql.Tx, hash string, now time.Time) error {
	result, err := tx.ExecContext(ctx, `UPDATE signin_token SET used = ? WHERE hash = ? AND used IS NULL`, now.UnixMilli(), hash)
	if err != nil {
		return fmt.Errorf("use token: %w", err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return errTokenUsed
	}
	return err
}

// firstAccount uses the token, unless there is an account.
func (s *Store) firstAccount(ctx context.Context, hash string, p Person, password string, begun Session) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := useToken(ctx, tx, hash, begun.Created); err != nil {
			return err
		}
		var people int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM person`).Scan(&people); err != nil {
			return fmt.Errorf("count people: %w", err)
		}
		if people > 0 {
			return errTokenUsed
		}
		if err := insertPerson(ctx, tx, p, password); err != nil {
			return err
		}
		return insertSession(ctx, tx, begun)
	})
}

// redeem uses the token of the person whom begun is for, and forgives what was
// counted for keys.
func (s *Store) redeem(ctx context.Context, hash, password string, begun Session, keys []string) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := useToken(ctx, tx, hash, begun.Created); err != nil {
			return err
		}
		if err := changePassword(ctx, tx, begun.Person, password, begun.Created, &begun); err != nil {
			return err
		}
		return forgiveIn(ctx, tx, keys...)
	})
}
