// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/problem"
)

// stored puts a running job of two steps into a store.
func stored(t *testing.T, s *Store) jobs.Record {
	t.Helper()
	rec := jobs.Record{Input: []byte(`{}`), Job: appliance.Job{
		Kind: appliance.ChangeAdd, Subject: "app:wiki", State: appliance.JobRunning, Created: time.UnixMilli(5).UTC(),
		Steps: []appliance.JobStep{{Name: "one", State: appliance.StepTodo}, {Name: "two", State: appliance.StepTodo}},
	}}
	var err error
	if rec.ID, err = s.CreateJob(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestSave_keepsTheReasonUntilTheCommitPoint(t *testing.T) {
	s := open(t)
	rec := stored(t, s)
	why := &problem.Problem{Code: "job-stopped", What: "it was stopped"}
	err := errors.Join(s.SetProblem(t.Context(), rec.ID, why), s.SetOutput(t.Context(), rec.ID, 1, []byte(`"handle"`)), s.Save(t.Context(), rec, 0))
	left, readErr := s.Unfinished(t.Context())
	if err != nil || readErr != nil || len(left) != 1 || !errors.Is(left[0].Problem, why) || string(left[0].Outputs["two"]) != `"handle"` {
		t.Fatalf("%+v, %v, %v", left, err, readErr)
	}
	rec.Committed = true
	if err := s.Save(t.Context(), rec, jobs.NoStep); err != nil {
		t.Fatal(err)
	}
	if job, err := s.Job(t.Context(), rec.ID); err != nil || job.Problem != nil {
		t.Errorf("what held it up is over, and yet: %+v, %v", job, err)
	}
}

func TestSave_waitingIsStillThereAndTakesItsSubject(t *testing.T) {
	s := open(t)
	rec := stored(t, s)
	rec.State, rec.Until = appliance.JobWaiting, time.UnixMilli(9_000).UTC()
	if err := s.Save(t.Context(), rec, 0); err != nil {
		t.Fatal(err)
	}
	left, err := s.Unfinished(t.Context())
	if err != nil || len(left) != 1 || left[0].State != appliance.JobWaiting || !left[0].Until.Equal(rec.Until) {
		t.Errorf("%+v, %v", left, err)
	}
	rec.State = appliance.JobRunning
	if _, err := s.CreateJob(t.Context(), rec); !errors.Is(err, jobs.Busy(appliance.Job{Subject: "app:wiki"})) {
		t.Errorf("another job of its subject: %v", err)
	}
}

func TestJobs_oneThatCannotBeReadHidesNoOther(t *testing.T) {
	s := open(t)
	rec := stored(t, s)
	if err := s.AddEvents(t.Context(), rec.ID, []appliance.JobEvent{{Time: rec.Created, Text: "first"}, {Time: rec.Created, Text: "second"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Write(t.Context(), func(tx *sql.Tx) error {
		for _, q := range []string{
			`UPDATE job SET problem = '[1]'`, `UPDATE job_step SET args = '[1]' WHERE idx = 0`, `UPDATE job_event SET event = '[1]' WHERE seq = 1`,
		} {
			if _, err := tx.ExecContext(t.Context(), q); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	left, err := s.Unfinished(t.Context())
	if err != nil || len(left) != 1 || len(left[0].Steps) != 2 || left[0].Problem == nil {
		t.Errorf("%+v, %v", left, err)
	}
	events, err := s.Events(t.Context(), rec.ID, 0)
	if err != nil || len(events) != 2 || events[0].Seq != 1 || events[1].Text != "second" {
		t.Errorf("%+v, %v", events, err)
	}
}
