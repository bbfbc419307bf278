// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"

	"coopkit/desk"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

const selectCoop = `SELECT c.id, c.name, c.place, c.it_coop, c.created FROM coop c`

func scanCoop(rows *sql.Rows) (c desk.Coop, err error) {
	var created int64
	err = rows.Scan(&c.ID, &c.Name, &c.Place, &c.ITCoop, &created)
	c.Created = at(created)
	return c, err
}

// Coop returns a co-op; one that does not exist has no name.
func (s *Store) Coop(ctx context.Context, id desk.CoopID) (desk.Coop, error) {
	found, err := sqlitedb.Query(ctx, s.db.Read(), scanCoop, selectCoop+` WHERE c.id = ?`, id)
	if err != nil || len(found) == 0 {
		return desk.Coop{ID: id}, err
	}
	return found[0], nil
}

// coops returns all co-ops.
func (s *Store) coops(ctx context.Context) (map[desk.CoopID]desk.Coop, error) {
	all, err := sqlitedb.Query(ctx, s.db.Read(), scanCoop, selectCoop)
	out := make(map[desk.CoopID]desk.Coop, len(all))
	for _, c := range all {
		out[c.ID] = c
	}
	return out, err
}

var coopID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// AddCoop adds a co-op; only a coordinator may. Created is set here.
func (v *View) AddCoop(ctx context.Context, c desk.Coop) error {
	if v.who.Role != desk.Coordinator {
		return v.forbidden()
	}
	c.Name, c.Place = strings.TrimSpace(c.Name), strings.TrimSpace(c.Place)
	if !coopID.MatchString(string(c.ID)) || len(c.ID) > 63 || c.Name == "" || len(c.Name) > 100 || len(c.Place) > 100 {
		return &problem.Problem{
			Code: "coop-invalid", Kind: problem.Invalid,
			What: "this co-op cannot be added as it is written",
			Why:  "its short name has small letters, digits and hyphens only; its name has 1 to 100 letters, its place at most 100",
			Next: []string{"write a short name like lantern-bakery, and the full name"},
		}
	}
	c.Created = v.s.now()
	err := v.s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO coop (id, name, place, it_coop, created) VALUES (?, ?, ?, ?, ?)`, c.ID, c.Name, c.Place, c.ITCoop, c.Created.UnixMilli())
		return err
	})
	if sqlitedb.IsUnique(err) {
		return &problem.Problem{
			Code: "coop-taken", Kind: problem.Conflict,
			What: "there is a co-op with the short name " + string(c.ID) + " already",
			Next: []string{"choose another short name, or use the co-op that is there"},
		}
	}
	if err != nil {
		return fmt.Errorf("add co-op: %w", err)
	}
	return nil
}

// Coops returns the co-ops that the principal may know of, by name: all for a
// coordinator; otherwise their own, and those whose boxes it looks after.
func (v *View) Coops(ctx context.Context) ([]desk.Coop, error) {
	out, err := sqlitedb.Query(ctx, v.s.db.Read(), scanCoop, selectCoop+`
		WHERE ?1 OR ?2 <> '' AND (c.id = ?2 OR c.id IN (SELECT coop FROM box WHERE caretaker = ?2 AND kept <> '`+keptLeft+`')) ORDER BY c.name, c.id`, v.scopeArgs()...)
	if err != nil {
		return nil, fmt.Errorf("list co-ops: %w", err)
	}
	return out, nil
}
