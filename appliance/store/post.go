// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/notify"
	"coopkit/internal/sqlitedb"
)

// Told implements notify.Store.
func (s *Store) Told(ctx context.Context, person string) ([]notify.Told, error) {
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (t notify.Told, err error) {
		var severity, finding string
		var at, gone sql.NullInt64
		if err := rows.Scan(&t.Person, &t.Cause, &severity, &t.Open, &t.Said, &at, &gone, &t.Thread, &finding); err != nil {
			return t, err
		}
		t.At, t.Gone = moment(at), moment(gone)
		return t, errors.Join(t.Severity.UnmarshalText([]byte(severity)), json.Unmarshal([]byte(finding), &t.Finding))
	}, `SELECT person, cause, severity, open, said, at, gone, thread, finding FROM told WHERE person = ? ORDER BY cause`, person)
}

// Say implements notify.Store.
func (s *Store) Say(ctx context.Context, r notify.Recipient, told []notify.Told, posts []notify.Post) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, insertRecipient+` ON CONFLICT (person) DO UPDATE SET weekly_at = excluded.weekly_at, lost = excluded.lost`,
			recipientValues(r)...); err != nil {
			return fmt.Errorf("save recipient: %w", err)
		}
		for _, t := range told {
			finding, err := encode(t.Finding)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO told (person, cause, severity, open, said, at, gone, thread, finding) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				r.Person, t.Cause, t.Severity.String(), t.Open, t.Said, millis(t.At), millis(t.Gone), t.Thread, finding); err != nil {
				return fmt.Errorf("record what is told: %w", err)
			}
		}
		for _, p := range posts {
			if err := insertPost(ctx, tx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

func insertPost(ctx context.Context, tx *sql.Tx, p notify.Post) error {
	message, err1 := encode(p.Message)
	causes, err2 := encode(p.Causes)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO post (id, kind, person, message, causes, at, due, tries) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		p.Message.ID, p.Kind, p.Person, message, causes, p.Message.At.UnixMilli(), p.Due.UnixMilli(), p.Tries); err != nil {
		return fmt.Errorf("insert post: %w", err)
	}
	return nil
}

// Written implements notify.Store.
func (s *Store) Written(ctx context.Context, person string, since time.Time) (n int, err error) {
	err = s.db.Read().QueryRowContext(ctx, `SELECT count(DISTINCT id) FROM post WHERE person = ? AND at > ?`, person, since.UnixMilli()).Scan(&n)
	return n, err
}

// posts returns those that a constant condition selects.
func (s *Store) posts(ctx context.Context, condition string, args ...any) ([]notify.Post, error) {
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (p notify.Post, err error) {
		var message, causes string
		var due int64
		var sent, dropped sql.NullInt64
		var trouble sql.NullString
		if err := rows.Scan(&p.Person, &p.Kind, &message, &causes, &due, &p.Tries, &sent, &dropped, &trouble); err != nil {
			return p, err
		}
		p.Due, p.Sent, p.Dropped = time.UnixMilli(due).UTC(), moment(sent), moment(dropped)
		var err1 error
		p.Problem, err1 = readProblem(trouble)
		return p, errors.Join(err1, json.Unmarshal([]byte(message), &p.Message), json.Unmarshal([]byte(causes), &p.Causes))
	}, `SELECT person, kind, message, causes, due, tries, sent, dropped, problem FROM post `+condition, args...)
}

// Due implements notify.Store.
func (s *Store) Due(ctx context.Context, now time.Time) ([]notify.Post, error) {
	return s.posts(ctx, `WHERE sent IS NULL AND dropped IS NULL AND due <= ? ORDER BY at, id`, now.UnixMilli())
}

// Posts implements notify.Store.
func (s *Store) Posts(ctx context.Context, limit int) ([]notify.Post, error) {
	return s.posts(ctx, `ORDER BY sent IS NOT NULL OR dropped IS NOT NULL, at DESC, id, kind LIMIT ?`, limit)
}

// SavePost implements notify.Store.
func (s *Store) SavePost(ctx context.Context, p notify.Post) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error { return savePost(ctx, tx, p) })
}

func savePost(ctx context.Context, tx *sql.Tx, p notify.Post) error {
	trouble, err := writeProblem(p.Problem)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE post SET due = ?, tries = ?, sent = ?, dropped = ?, problem = ? WHERE id = ? AND kind = ?`,
		p.Due.UnixMilli(), p.Tries, millis(p.Sent), millis(p.Dropped), trouble, p.Message.ID, p.Kind); err != nil {
		return fmt.Errorf("save post: %w", err)
	}
	return nil
}

// DropPost implements notify.Store.
func (s *Store) DropPost(ctx context.Context, p notify.Post) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := savePost(ctx, tx, p); err != nil {
			return err
		}
		var others int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM post WHERE id = ? AND dropped IS NULL`, p.Message.ID).Scan(&others); err != nil {
			return fmt.Errorf("look for other channels: %w", err)
		}
		if others > 0 {
			return nil
		}
		for _, cause := range p.Causes {
			if err := untell(ctx, tx, p.Person, cause); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE recipient SET lost = lost + 1 WHERE person = ?`, p.Person); err != nil {
			return fmt.Errorf("count lost message: %w", err)
		}
		return nil
	})
}

// untell makes a person count as not told of a cause, unless another message
// about it has arrived or is on its way.
func untell(ctx context.Context, tx *sql.Tx, person, cause string) error {
	const alone = ` WHERE person = ?1 AND cause = ?2 AND NOT EXISTS (
		SELECT 1 FROM post, json_each(post.causes) AS c WHERE post.person = ?1 AND post.dropped IS NULL AND c.value = ?2)`
	for _, text := range []string{
		`UPDATE told SET said = 0, at = NULL` + alone + ` AND open = 1`,
		`DELETE FROM told` + alone + ` AND open = 0`,
	} {
		if _, err := tx.ExecContext(ctx, text, person, cause); err != nil {
			return fmt.Errorf("forget what did not arrive: %w", err)
		}
	}
	return nil
}

// Hurry implements notify.Store.
func (s *Store) Hurry(ctx context.Context, kind appliance.ChannelKind, now time.Time) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE post SET due = ? WHERE kind = ? AND sent IS NULL AND dropped IS NULL AND due > ?`, now.UnixMilli(), kind, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("hurry posts: %w", err)
		}
		return nil
	})
}

// Forget implements notify.Store. What is open stays; how often a job was told of
// must outlive the job's own place in the list.
func (s *Store) Forget(ctx context.Context, before time.Time) error {
	var old int
	if err := s.db.Read().QueryRowContext(ctx, `SELECT (SELECT count(*) FROM post WHERE at < ?1) + (SELECT count(*) FROM told WHERE open = 0 AND at < ?1)`, before.UnixMilli()).
		Scan(&old); err != nil || old == 0 {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		for _, text := range []string{`DELETE FROM post WHERE at < ?`, `DELETE FROM told WHERE open = 0 AND at < ?`} {
			if _, err := tx.ExecContext(ctx, text, before.UnixMilli()); err != nil {
				return fmt.Errorf("forget messages: %w", err)
			}
		}
		return nil
	})
}
