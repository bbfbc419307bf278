// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
)

// InsertRelease records a release with the zip of its recipe's folder and
// returns its number: the next one of its install. It is not active before
// Activate, and may be recorded without images, which SetImages adds once.
func (s *Store) InsertRelease(ctx context.Context, rel appliance.Release, folder []byte) (number int, err error) {
	images, err := encodeImages(rel.Images)
	if err != nil {
		return 0, err
	}
	settings, err := encode(rel.Settings)
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(number), 0) + 1 FROM release WHERE install = ?`, rel.Install).Scan(&number); err != nil {
			return fmt.Errorf("number release: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO release (install, number, version, images, settings, folder, program, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			rel.Install, number, rel.Version, images, settings, folder, rel.Program, millis(rel.Created)); err != nil {
			return fmt.Errorf("insert release: %w", err)
		}
		return nil
	})
	return number, err
}

// noImages is what a release has until its images are known.
const noImages = "{}"

func encodeImages(images map[string]appliance.Image) (string, error) {
	if len(images) == 0 {
		return noImages, nil
	}
	return encode(images)
}

// SetImages records the images of a release that has none yet; those of any
// other never change.
func (s *Store) SetImages(ctx context.Context, name appliance.InstallName, number int, images map[string]appliance.Image) error {
	text, err := encodeImages(images)
	if err != nil {
		return err
	}
	return s.changeOne(ctx, fmt.Sprintf("set images of release %d of %s", number, name),
		`UPDATE release SET images = ? WHERE install = ? AND number = ? AND images = '`+noImages+`'`, text, name, number)
}

// Activate makes a release that has its images the one that the install should
// run. Older ones stay, to go back to.
func (s *Store) Activate(ctx context.Context, name appliance.InstallName, number int) error {
	return s.changeOne(ctx, fmt.Sprintf("activate release %d of %s", number, name),
		`UPDATE install SET release = ?2 WHERE name = ?1
			AND EXISTS (SELECT 1 FROM release WHERE install = ?1 AND number = ?2 AND images <> '`+noImages+`')`, name, number)
}

// changeOne runs a statement that must change one row.
func (s *Store) changeOne(ctx context.Context, what, text string, args ...any) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, text, args...)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(fmt.Errorf("%s: %w", what, errNoRow), err)
		}
		return nil
	})
}

// Releases returns every release of an install, oldest first.
func (s *Store) Releases(ctx context.Context, name appliance.InstallName) ([]appliance.Release, error) {
	return sqlitedb.Query(ctx, s.db.Read(), scanRelease,
		`SELECT install, number, version, images, settings, program, created FROM release WHERE install = ? ORDER BY number`, name)
}

// Release returns one release.
func (s *Store) Release(ctx context.Context, name appliance.InstallName, number int) (appliance.Release, error) {
	found, err := sqlitedb.Query(ctx, s.db.Read(), scanRelease,
		`SELECT install, number, version, images, settings, program, created FROM release WHERE install = ? AND number = ?`, name, number)
	if err == nil && len(found) == 0 {
		err = errNoRow
	}
	if err != nil {
		return appliance.Release{}, fmt.Errorf("read release %d of %s: %w", number, name, err)
	}
	return found[0], nil
}

func scanRelease(rows *sql.Rows) (rel appliance.Release, err error) {
	var images, settings string
	var created sql.NullInt64
	if err := rows.Scan(&rel.Install, &rel.Number, &rel.Version, &images, &settings, &rel.Program, &created); err != nil {
		return rel, err
	}
	rel.Created = moment(created)
	return rel, errors.Join(json.Unmarshal([]byte(images), &rel.Images), json.Unmarshal([]byte(settings), &rel.Settings))
}

// ReleaseFolder returns the zip of the recipe's folder that a release keeps.
func (s *Store) ReleaseFolder(ctx context.Context, name appliance.InstallName, number int) (folder []byte, err error) {
	if err := s.db.Read().QueryRowContext(ctx, `SELECT folder FROM release WHERE install = ? AND number = ?`, name, number).Scan(&folder); err != nil {
		return nil, fmt.Errorf("read recipe of release %d of %s: %w", number, name, err)
	}
	return folder, nil
}
