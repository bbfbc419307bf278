// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"coopkit/desk"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

func (s *Store) loadCoops(ctx context.Context) error {
	all, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (c desk.Coop, err error) {
		var created int64
		err = rows.Scan(&c.ID, &c.Name, &c.Place, &c.ITCoop, &created)
		c.Created = at(created)
		return c, err
	}, `SELECT id, name, place, it_coop, created FROM coop`)
	if err != nil {
		return fmt.Errorf("load co-ops: %w", err)
	}
	for _, c := range all {
		s.coops[c.ID] = c
	}
	return nil
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
			What: "this co-op can not be added as it is written",
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
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.s.coops[c.ID] = c
	return nil
}

// Coops returns the co-ops that the principal may know of, by name: all for a
// coordinator; otherwise their own, and those whose boxes it looks after.
func (v *View) Coops() []desk.Coop {
	v.s.mu.RLock()
	defer v.s.mu.RUnlock()
	var out []desk.Coop
	if v.who.Role == desk.Coordinator {
		out = slices.Collect(maps.Values(v.s.coops))
	} else {
		mine := map[desk.CoopID]bool{v.who.Coop: true}
		for _, l := range v.s.boxes {
			if l.kept != keptLeft && v.sees("", l.caretaker) {
				mine[l.coop] = true
			}
		}
		for id := range mine {
			if c, ok := v.s.coops[id]; ok {
				out = append(out, c)
			}
		}
	}
	slices.SortFunc(out, func(a, b desk.Coop) int { return strings.Compare(a.Name, b.Name) })
	return out
}
