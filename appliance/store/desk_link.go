// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/support"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

var _ support.Store = (*Store)(nil)

// DeskLink implements support.Store.
func (s *Store) DeskLink(ctx context.Context) (*support.Link, error) {
	links, err := sqlitedb.Query(ctx, s.db.Read(), scanLink, `SELECT url, pin, desk_key, box, key, secret, name, coop, words, joined,
		state, problem, period, acked, head, sent, last, told_facts, told_findings FROM desk_link`)
	if err != nil || len(links) == 0 {
		return nil, err
	}
	return &links[0], nil
}

func scanLink(rows *sql.Rows) (l support.Link, err error) {
	var (
		key, secret, head, problem []byte
		words, told                string
		joined, period             int64
		sent                       sql.NullInt64
	)
	if err := rows.Scan(&l.URL, &l.Pin, &l.DeskKey, &l.Box, &key, &secret, &l.Name, &l.Coop, &words, &joined,
		&l.State, &problem, &period, &l.Acked, &head, &sent, &l.Last, &l.Told.Facts, &told); err != nil {
		return l, err
	}
	l.Key, l.Secret, l.Head = ed25519.NewKeyFromSeed(key), [32]byte(secret), wire.Head(head)
	l.Joined, l.Sent, l.Period = time.UnixMilli(joined).UTC(), moment(sent), time.Duration(period)*time.Millisecond
	if problem != nil {
		err = json.Unmarshal(problem, &l.Problem)
	}
	return l, errors.Join(err, json.Unmarshal([]byte(words), &l.Words), json.Unmarshal([]byte(told), &l.Told.Findings))
}

// SaveDeskLink implements support.Store.
func (s *Store) SaveDeskLink(ctx context.Context, l support.Link) error {
	words, err1 := encode(l.Words)
	told, err2 := encode(l.Told.Findings)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := dropDeskLink(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO desk_link (one, url, pin, desk_key, box, key, secret, name, coop, words, joined,
			state, period, acked, head, told_facts, told_findings) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			l.URL, l.Pin, []byte(l.DeskKey), l.Box, l.Key.Seed(), l.Secret[:], l.Name, l.Coop, words, l.Joined.UnixMilli(),
			l.State, l.Period.Milliseconds(), l.Acked, l.Head[:], l.Told.Facts, told)
		if err != nil {
			return fmt.Errorf("insert link: %w", err)
		}
		return nil
	})
}

// DropDeskLink implements support.Store.
func (s *Store) DropDeskLink(ctx context.Context) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error { return dropDeskLink(ctx, tx) })
}

func dropDeskLink(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM outbox; DELETE FROM desk_link`); err != nil {
		return fmt.Errorf("drop link: %w", err)
	}
	return nil
}

// SetDeskState implements support.Store.
func (s *Store) SetDeskState(ctx context.Context, state appliance.DeskState, p *problem.Problem) error {
	var why sql.NullString
	if p != nil {
		text, err := encode(p)
		if err != nil {
			return err
		}
		why = sql.NullString{String: text, Valid: true}
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE desk_link SET state = ?, problem = ?`, state, why)
		return err
	})
}

// Acked implements support.Store.
func (s *Store) Acked(ctx context.Context, c support.Confirmed) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE seq <= ?`, c.Ack); err != nil {
			return fmt.Errorf("empty outbox: %w", err)
		}
		_, err := tx.ExecContext(ctx, `UPDATE desk_link SET state = 'linked', problem = NULL, acked = ?, head = ?, sent = ?, last = ?, period = ?`,
			c.Ack, c.Head[:], c.At.UnixMilli(), c.Report, c.Period.Milliseconds())
		if err != nil {
			return fmt.Errorf("record confirmation: %w", err)
		}
		return nil
	})
}
