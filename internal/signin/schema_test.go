// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"coopkit/internal/sqlitedb"
)

// database opens a new one that schema makes.
func database(t *testing.T, schema string) *sqlitedb.DB {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), filepath.Join(t.TempDir(), "signin.db"), fstest.MapFS{"0001_init.sql": {Data: []byte(schema)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestCheckSchema_findsWhatDiffers(t *testing.T) {
	if err := CheckSchema(t.Context(), database(t, Schema)); err != nil {
		t.Errorf("our own schema: %v", err)
	}
	for _, change := range [][3]string{
		{"seen      INTEGER NOT NULL", "seen TEXT NOT NULL", "session "},
		{"    browser   TEXT NOT NULL,\n", "", "session "},
		{"person  TEXT REFERENCES person(id) ON DELETE CASCADE", "person TEXT", "signin_token "},
		{"ON session (person, seen)", "ON session (person)", "session_by_person "},
		{"CREATE TABLE signin_failure", "CREATE TABLE failure", "signin_failure "},
	} {
		changed := strings.Replace(Schema, change[0], change[1], 1)
		if changed == Schema {
			t.Fatalf("the schema has no %q", change[0])
		}
		if err := CheckSchema(t.Context(), database(t, changed)); err == nil || !strings.HasPrefix(err.Error(), change[2]) {
			t.Errorf("%q as %q: %v", change[0], change[1], err)
		}
	}
}
