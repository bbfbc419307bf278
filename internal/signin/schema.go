// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"embed"
	"io/fs"

	"coopkit/internal/sqlitedb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Tables are the migrations of this package, for the database that holds
// accounts. Before they had a version of their own, the first migration of each
// such database made the same tables.
func Tables() sqlitedb.Set {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the name is a valid path
	}
	return sqlitedb.Set{Name: "signin", Files: files, First: "person"}
}
