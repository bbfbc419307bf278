// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"coopkit/internal/sqlitedb"
)

var errUnknownSession = errors.New("find session: it is over or never was")

const (
	sessionColumns = `session.id, session.person, session.created, session.seen, session.expires, session.browser, session.address`
	// alive takes now, and now without the time that a session may be idle.
	alive = `session.expires > ? AND session.seen > ?`
)

// sessionTimes are milliseconds on their way into a Session.
type sessionTimes struct{ created, seen, expires int64 }

func sessionFields(s *Session, t *sessionTimes) []any {
	return []any{&s.ID, &s.Person, &t.created, &t.seen, &t.expires, &s.Browser, &s.Address}
}

func (t sessionTimes) into(s Session) Session {
	s.Created, s.Seen, s.Expires = moment(t.created), moment(t.seen), moment(t.expires)
	return s
}

func (s *Store) addSession(ctx context.Context, sess Session) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error { return insertSession(ctx, tx, sess) })
}

func insertSession(ctx context.Context, tx *sql.Tx, s Session) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO session (id, person, created, seen, confirmed, expires, browser, address) VALUES (?1, ?2, ?3, ?4, ?3, ?5, ?6, ?7)`,
		s.ID, s.Person, s.Created.UnixMilli(), s.Seen.UnixMilli(), s.Expires.UnixMilli(), s.Browser, s.Address)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// session finds one that goes on, of a person whose account is open.
func (s *Store) session(ctx context.Context, id SessionID, now time.Time) (Session, Person, error) {
	var (
		sess             Session
		times            sessionTimes
		p                Person
		created, changed int64
	)
	err := s.db.Read().QueryRowContext(ctx, `
		SELECT `+sessionColumns+`, `+personColumns+` FROM session JOIN person ON person.id = session.person
		WHERE session.id = ? AND NOT person.disabled AND `+alive, id, now.UnixMilli(), now.Add(-idle).UnixMilli()).
		Scan(append(sessionFields(&sess, &times), personFields(&p, &created, &changed)...)...)
	return times.into(sess), found(p, created, changed), unknown(err, errUnknownSession)
}

func (s *Store) sessions(ctx context.Context, person PersonID, now time.Time) ([]Session, error) {
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (Session, error) {
		var (
			sess  Session
			times sessionTimes
		)
		err := rows.Scan(sessionFields(&sess, &times)...)
		return times.into(sess), err
	}, `SELECT `+sessionColumns+` FROM session WHERE person = ? AND `+alive+` ORDER BY seen DESC, id`,
		person, now.UnixMilli(), now.Add(-idle).UnixMilli())
}

func (s *Store) touchSession(ctx context.Context, id SessionID, now time.Time) error {
	return s.exec(ctx, `UPDATE session SET seen = ? WHERE id = ?`, now.UnixMilli(), id)
}

// endSession reports whether there was one.
func (s *Store) endSession(ctx context.Context, person PersonID, id SessionID) (ended bool, _ error) {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM session WHERE id = ? AND person = ?`, id, person)
		if err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		n, err := result.RowsAffected()
		ended = n > 0
		return err
	})
	return ended && err == nil, err
}

func (s *Store) endOthers(ctx context.Context, person PersonID, but SessionID) error {
	return s.exec(ctx, `DELETE FROM session WHERE person = ? AND id <> ?`, person, but)
}
