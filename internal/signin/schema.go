// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"database/sql"
	_ "embed" // for the schema
	"errors"
	"fmt"
	"slices"

	"coopkit/internal/sqlitedb"
)

// Schema makes the tables of this package. Each database that holds accounts
// has this text in one of its migrations; CheckSchema compares.
//
//go:embed schema.sql
var Schema string

// CheckSchema returns an error that names the first table of db whose columns
// are not those of Schema. It is for the tests of the packages that own the
// migrations.
func CheckSchema(ctx context.Context, db *sqlitedb.DB) error {
	// sqlitedb has registered the driver.
	fresh, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return fmt.Errorf("open database in memory: %w", err)
	}
	fresh.SetMaxOpenConns(1) // each connection would have a memory of its own
	err = compareSchema(ctx, fresh, db.Read())
	return errors.Join(err, fresh.Close())
}

func compareSchema(ctx context.Context, fresh, db *sql.DB) error {
	if _, err := fresh.ExecContext(ctx, Schema); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	tables, err := texts(ctx, fresh, `SELECT name FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name`)
	if err != nil {
		return err
	}
	const columns = `SELECT printf('%s %s null=%d default=%s key=%d', c.name, c.type, NOT c."notnull", c.dflt_value, c.pk)
		FROM pragma_table_info(?1) c
		UNION ALL SELECT printf('references %s(%s) from %s, on delete %s', f."table", f."to", f."from", f.on_delete)
		FROM pragma_foreign_key_list(?1) f
		UNION ALL SELECT printf('index %d of %s', i.seqno, i.name) FROM pragma_index_info(?1) i`
	for _, table := range tables {
		want, err := texts(ctx, fresh, columns, table)
		if err != nil {
			return err
		}
		have, err := texts(ctx, db, columns, table)
		if err != nil {
			return err
		}
		if !slices.Equal(want, have) {
			return fmt.Errorf("%s has %q, but should have %q", table, have, want)
		}
	}
	return nil
}

// texts returns the first column of each row.
func texts(ctx context.Context, db sqlitedb.Querier, text string, args ...any) ([]string, error) {
	return sqlitedb.Query(ctx, db, func(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) }, text, args...)
}
