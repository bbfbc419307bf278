// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"database/sql"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
)

// TestMigrate_stepsKeepTheTitlesOfTheFirstVersion opens the records of a box
// whose jobs have sentences where there are codes now.
func TestMigrate_stepsKeepTheTitlesOfTheFirstVersion(t *testing.T) {
	first := fstest.MapFS{}
	for _, name := range []string{"0001_init.sql", "0002_day.sql"} {
		text, err := fs.ReadFile(migrations, "migrations/"+name)
		if err != nil {
			t.Fatal(err)
		}
		first[name] = &fstest.MapFile{Data: text}
	}
	path := filepath.Join(t.TempDir(), "coopkit.db")
	db, err := sqlitedb.Open(t.Context(), path, first)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `
			INSERT INTO job (id, kind, subject, state, input, created) VALUES (7, 'add', 'app:wiki', 'running', '{}', 1);
			INSERT INTO job_step (job, idx, name, title, state) VALUES (7, 0, 'start-db', 'Start db', 'running')`)
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	left, err := s.Unfinished(t.Context())
	want := []appliance.JobStep{{Name: "start-db", Code: "Start db", Args: map[string]string{}, State: appliance.StepRunning}}
	if err = errors.Join(err, s.Close()); err != nil || len(left) != 1 || left[0].Kind != appliance.ChangeAdd || !cmp.Equal(want, left[0].Steps) {
		t.Errorf("%+v, %v", left, err)
	}
}
