// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

// NewInstall is everything that is recorded when an install is added, at once.
type NewInstall struct {
	appliance.Install
	Secrets   map[string]string
	Addresses []appliance.Address // of its web services; the first is the main one
}

// ErrSubnetTaken says that another install has the subnet: choose another.
var ErrSubnetTaken = errors.New("another install has this subnet")

// CreateInstall records an install with its secrets and addresses, or nothing
// of it. A taken name gives a Problem "install-exists", a taken host
// "address-taken", a taken subnet ErrSubnetTaken.
func (s *Store) CreateInstall(ctx context.Context, in NewInstall) error {
	settings, err := encode(in.Settings)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		var taken bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM install WHERE subnet = ? AND name <> ?)`,
			in.Subnet.String(), in.Name).Scan(&taken); err != nil {
			return fmt.Errorf("look for subnet: %w", err)
		}
		if taken {
			return ErrSubnetTaken
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO install (name, title, recipe, wanted, subnet, scratch, settings, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			in.Name, in.Title, in.Recipe, in.Wanted, in.Subnet.String(), in.Scratch, settings, millis(in.Created))
		if sqlitedb.IsUnique(err) {
			return InstallExists(in.Name)
		}
		if err != nil {
			return fmt.Errorf("insert install: %w", err)
		}
		for name, value := range in.Secrets {
			if _, err := tx.ExecContext(ctx, `INSERT INTO secret (install, name, value) VALUES (?, ?, ?)`, in.Name, name, value); err != nil {
				return fmt.Errorf("insert secret: %w", err)
			}
		}
		for i, a := range in.Addresses {
			if err := insertAddress(ctx, tx, a, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// InstallExists is the Problem of a name that is taken.
func InstallExists(name appliance.InstallName) error {
	return &problem.Problem{
		Code: "install-exists", Kind: problem.Conflict,
		What: "there is an app named " + string(name) + " on this box already",
		Next: []string{"choose another name with --name", "coopkit app list"},
		Args: map[string]string{"name": string(name)},
	}
}

// Install returns one install. An unknown one gives a Problem "install-unknown".
func (s *Store) Install(ctx context.Context, name appliance.InstallName) (appliance.Install, error) {
	all, err := s.installs(ctx, `WHERE name = ?`, name)
	if err != nil {
		return appliance.Install{}, err
	}
	if len(all) == 0 {
		return appliance.Install{}, &problem.Problem{
			Code: "install-unknown", Kind: problem.NotFound,
			What: "there is no app named " + string(name) + " on this box",
			Next: []string{"coopkit app list"},
			Args: map[string]string{"name": string(name)},
		}
	}
	return all[0], nil
}

// Installs returns every install, scratch ones too, by name. One whose record
// cannot be read has the zero Subnet.
func (s *Store) Installs(ctx context.Context) ([]appliance.Install, error) {
	return s.installs(ctx, `ORDER BY name`)
}

func (s *Store) installs(ctx context.Context, where string, args ...any) ([]appliance.Install, error) {
	all, err := sqlitedb.Query(ctx, s.db.Read(), scanInstall,
		`SELECT name, title, recipe, wanted, release, subnet, has_owner, open, scratch, signin_shown, settings, created FROM install `+where, args...)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Addresses, err = sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (h hostname.Name, err error) {
			return h, rows.Scan(&h)
		}, `SELECT host FROM address WHERE install = ? ORDER BY seq`, all[i].Name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func scanInstall(rows *sql.Rows) (in appliance.Install, err error) {
	var subnet, settings string
	var created sql.NullInt64
	if err := rows.Scan(&in.Name, &in.Title, &in.Recipe, &in.Wanted, &in.Release, &subnet, &in.HasOwner, &in.Open, &in.Scratch, &in.SigninShown, &settings, &created); err != nil {
		return in, err
	}
	in.Created = moment(created)
	// One row that cannot be read must not hide the others: without a subnet its
	// install is not used, and the rest of the row says what it is.
	if in.Subnet, err = netip.ParsePrefix(subnet); err != nil || json.Unmarshal([]byte(settings), &in.Settings) != nil {
		in.Subnet = netip.Prefix{}
	}
	return in, nil
}

// Unlabelled reports whether networks and volumes of an install may lack the
// label of the box, because an agent from before that label made them.
func (s *Store) Unlabelled(ctx context.Context, name appliance.InstallName) (old bool, err error) {
	err = s.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM install WHERE name = ? AND unlabelled = 1)`, name).Scan(&old)
	if err != nil {
		return false, fmt.Errorf("read labels of install %s: %w", name, err)
	}
	return old, nil
}

// SetWanted records what the co-op wants of an install.
func (s *Store) SetWanted(ctx context.Context, name appliance.InstallName, w appliance.Wanted) error {
	return s.updateInstall(ctx, name, `UPDATE install SET wanted = ? WHERE name = ?`, w)
}

// SetTitle records the everyday name of an install.
func (s *Store) SetTitle(ctx context.Context, name appliance.InstallName, title string) error {
	return s.updateInstall(ctx, name, `UPDATE install SET title = ? WHERE name = ?`, title)
}

// SetOwner records whether the first account of an install exists.
func (s *Store) SetOwner(ctx context.Context, name appliance.InstallName, has bool) error {
	return s.updateInstall(ctx, name, `UPDATE install SET has_owner = ? WHERE name = ?`, has)
}

// SetOpen records whether visitors may reach an install.
func (s *Store) SetOpen(ctx context.Context, name appliance.InstallName, open bool) error {
	return s.updateInstall(ctx, name, `UPDATE install SET open = ? WHERE name = ?`, open)
}

// MarkSigninShown records that the first sign-in of an install was shown. When
// it was already, the error is a Problem "signin-shown": of two callers at the
// same time, one gets it.
func (s *Store) MarkSigninShown(ctx context.Context, name appliance.InstallName) error {
	err := s.updateInstall(ctx, name, `UPDATE install SET signin_shown = ?1 WHERE name = ?2 AND signin_shown <> ?1`, true)
	if !errors.Is(err, errNoRow) {
		return err
	}
	if _, err := s.Install(ctx, name); err != nil {
		return err
	}
	return &problem.Problem{
		Code: "signin-shown", Kind: problem.Conflict,
		What: "the first sign-in of " + string(name) + " was shown already",
		Why:  "the console shows a password once, to whoever added the app",
		Next: []string{"coopkit app signin " + string(name)},
	}
}

// SetSubnet records another subnet for an install.
func (s *Store) SetSubnet(ctx context.Context, name appliance.InstallName, subnet netip.Prefix) error {
	return s.updateInstall(ctx, name, `UPDATE install SET subnet = ? WHERE name = ?`, subnet.String())
}

func (s *Store) updateInstall(ctx context.Context, name appliance.InstallName, text string, value any) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, text, value, name)
		if err != nil {
			return fmt.Errorf("update install: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("update install %s: %w", name, errNoRow)
		}
		return nil
	})
}

// DeleteInstall forgets an install with its releases, secrets and addresses.
// Forgetting an unknown one is fine, so that undoing can repeat it.
func (s *Store) DeleteInstall(ctx context.Context, name appliance.InstallName) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM install WHERE name = ?`, name)
		return err
	})
}

// Secrets returns the generated secrets of an install.
func (s *Store) Secrets(ctx context.Context, name appliance.InstallName) (map[string]string, error) {
	type pair struct{ name, value string }
	pairs, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (p pair, err error) {
		return p, rows.Scan(&p.name, &p.value)
	}, `SELECT name, value FROM secret WHERE install = ?`, name)
	out := make(map[string]string, len(pairs))
	for _, p := range pairs {
		out[p.name] = p.value
	}
	return out, err
}
