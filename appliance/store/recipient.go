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
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

// Recipients implements notify.Store.
func (s *Store) Recipients(ctx context.Context) ([]notify.Recipient, error) {
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (r notify.Recipient, err error) {
		var least, quiet, weekly string
		var added, weeklyAt int64
		if err := rows.Scan(&r.Person, &least, &quiet, &weekly, &added, &weeklyAt, &r.Lost); err != nil {
			return r, err
		}
		r.Added, r.WeeklyAt = time.UnixMilli(added).UTC(), time.UnixMilli(weeklyAt).UTC()
		return r, errors.Join(r.Least.UnmarshalText([]byte(least)), json.Unmarshal([]byte(quiet), &r.Quiet), json.Unmarshal([]byte(weekly), &r.Weekly))
	}, `SELECT person, least, quiet, weekly, added, weekly_at, lost FROM recipient ORDER BY person`)
}

// SaveWishes implements notify.Store.
func (s *Store) SaveWishes(ctx context.Context, r notify.Recipient) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, insertRecipient+`
			ON CONFLICT (person) DO UPDATE SET least = excluded.least, quiet = excluded.quiet, weekly = excluded.weekly, weekly_at = excluded.weekly_at`,
			recipientValues(r)...)
		if err != nil {
			return fmt.Errorf("save wishes: %w", err)
		}
		return nil
	})
}

const insertRecipient = `INSERT INTO recipient (person, least, quiet, weekly, added, weekly_at, lost) VALUES (?, ?, ?, ?, ?, ?, ?)`

func recipientValues(r notify.Recipient) []any {
	quiet, _ := json.Marshal(r.Quiet)   // numbers always encode
	weekly, _ := json.Marshal(r.Weekly) // as above
	return []any{r.Person, r.Least.String(), string(quiet), string(weekly), r.Added.UnixMilli(), r.WeeklyAt.UnixMilli(), r.Lost}
}

// Channels implements notify.Store.
func (s *Store) Channels(ctx context.Context) ([]notify.Channel, error) {
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (c notify.Channel, err error) {
		var proven, asked, delivered, failing sql.NullInt64
		var trouble sql.NullString
		if err := rows.Scan(&c.Person, &c.Kind, &c.To, &c.Topic, &c.Secret, &proven, &asked, &c.Code, &c.Guesses, &delivered, &failing, &trouble); err != nil {
			return c, err
		}
		c.Proven, c.Asked, c.Delivered, c.Failing = moment(proven), moment(asked), moment(delivered), moment(failing)
		c.Problem, err = readProblem(trouble)
		return c, err
	}, `SELECT person, kind, target, topic, secret, proven, asked, code, guesses, delivered, failing, problem FROM channel ORDER BY person, kind`)
}

// SaveChannel implements notify.Store.
func (s *Store) SaveChannel(ctx context.Context, c notify.Channel) error {
	trouble, err := writeProblem(c.Problem)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO channel
			(person, kind, target, topic, secret, proven, asked, code, guesses, delivered, failing, problem) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.Person, c.Kind, c.To, c.Topic, c.Secret, millis(c.Proven), millis(c.Asked), c.Code, c.Guesses, millis(c.Delivered), millis(c.Failing), trouble)
		if err != nil {
			return fmt.Errorf("save channel: %w", err)
		}
		return nil
	})
}

// NoteChannel implements notify.Store.
func (s *Store) NoteChannel(ctx context.Context, c notify.Channel) error {
	trouble, err := writeProblem(c.Problem)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE channel SET delivered = ?, failing = ?, problem = ? WHERE person = ? AND kind = ? AND target = ? AND topic = ?`,
			millis(c.Delivered), millis(c.Failing), trouble, c.Person, c.Kind, c.To, c.Topic)
		if err != nil {
			return fmt.Errorf("note state of channel: %w", err)
		}
		return nil
	})
}

// DropChannel implements notify.Store.
func (s *Store) DropChannel(ctx context.Context, person string, kind appliance.ChannelKind) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		for _, text := range []string{
			`DELETE FROM channel WHERE person = ? AND kind = ?`,
			`DELETE FROM post WHERE person = ? AND kind = ? AND sent IS NULL`,
		} {
			if _, err := tx.ExecContext(ctx, text, person, kind); err != nil {
				return fmt.Errorf("drop channel: %w", err)
			}
		}
		return nil
	})
}

func writeProblem(p *problem.Problem) (out sql.NullString, err error) {
	if p == nil {
		return out, nil
	}
	out.Valid = true
	out.String, err = encode(p)
	return out, err
}

func readProblem(text sql.NullString) (p *problem.Problem, err error) {
	if text.Valid {
		err = json.Unmarshal([]byte(text.String), &p)
	}
	return p, err
}
