// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

// jobsKept is how many ended jobs, with their logs, stay.
const jobsKept = 500

var _ jobs.Journal = (*Store)(nil)

// CreateJob implements jobs.Journal. It also drops the oldest ended jobs.
func (s *Store) CreateJob(ctx context.Context, rec jobs.Record) (appliance.JobID, error) {
	var id int64
	args, err := encode(rec.Args)
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO job (kind, subject, args, by_kind, by_name, state, input, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			rec.Kind, rec.Subject, args, rec.By.Kind, rec.By.Name, rec.State, string(rec.Input), millis(rec.Created))
		if sqlitedb.IsUnique(err) {
			return jobs.Busy(rec.Job)
		}
		if err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		if id, err = res.LastInsertId(); err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		for i, step := range rec.Steps {
			args, err := encode(step.Args)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO job_step (job, idx, name, code, args, state) VALUES (?, ?, ?, ?, ?, ?)`,
				id, i, step.Name, step.Code, args, step.State); err != nil {
				return fmt.Errorf("insert step: %w", err)
			}
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM job WHERE state <> 'running' AND id <= ?`, id-jobsKept)
		return err
	})
	return appliance.JobID(id), err
}

// Save implements jobs.Journal. A job that waits is a running one that has a
// time until which it does.
func (s *Store) Save(ctx context.Context, rec jobs.Record, index int) error {
	why, err := encodeProblem(rec.Problem)
	if err != nil {
		return err
	}
	state := rec.State
	if state == appliance.JobWaiting {
		state = appliance.JobRunning
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE job SET state = ?1, until = ?2, finished = ?3, committed = max(committed, ?4),
			problem = CASE WHEN max(committed, ?4) THEN ?5 ELSE coalesce(?5, problem) END WHERE id = ?6`,
			state, millis(rec.Until), millis(rec.Finished), rec.Committed, why, rec.ID); err != nil {
			return fmt.Errorf("update job: %w", err)
		}
		if index == jobs.NoStep {
			return nil
		}
		step := rec.Steps[index]
		notes, err := encode(step.Notes)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE job_step SET state = ?, detail = ?, notes = nullif(?, 'null'), started = ?, finished = ? WHERE job = ? AND idx = ?`,
			step.State, step.Detail, notes, millis(step.Started), millis(step.Finished), rec.ID, index); err != nil {
			return fmt.Errorf("update step: %w", err)
		}
		return nil
	})
}

// SetProblem implements jobs.Journal.
func (s *Store) SetProblem(ctx context.Context, id appliance.JobID, p *problem.Problem) error {
	why, err := encodeProblem(p)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE job SET problem = ? WHERE id = ?`, why, id)
		return err
	})
}

// SetOutput implements jobs.Journal.
func (s *Store) SetOutput(ctx context.Context, id appliance.JobID, index int, value json.RawMessage) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE job_step SET output = ? WHERE job = ? AND idx = ?`, string(value), id, index)
		return err
	})
}

func encodeProblem(p *problem.Problem) (sql.NullString, error) {
	if p == nil {
		return sql.NullString{}, nil
	}
	text, err := encode(p)
	return sql.NullString{String: text, Valid: err == nil}, err
}

const jobColumns = `SELECT id, kind, subject, args, by_kind, by_name, state, committed, input, problem, created, finished, until FROM job `

// Job implements jobs.Journal.
func (s *Store) Job(ctx context.Context, id appliance.JobID) (appliance.Job, error) {
	recs, err := s.jobs(ctx, jobColumns+`WHERE id = ?`, id)
	if err != nil {
		return appliance.Job{}, err
	}
	if len(recs) == 0 {
		return appliance.Job{}, &problem.Problem{
			Code: "job-unknown", Kind: problem.NotFound,
			What: fmt.Sprintf("there is no job %d on this box", id),
			Why:  fmt.Sprintf("the number is wrong, or it is older than the last %d jobs", jobsKept),
			Next: []string{"coopkit job list"},
			Args: map[string]string{"job": fmt.Sprint(id)},
		}
	}
	return recs[0].Job, nil
}

// Jobs implements jobs.Journal.
func (s *Store) Jobs(ctx context.Context, limit int) ([]appliance.Job, error) {
	recs, err := s.jobs(ctx, jobColumns+`ORDER BY id DESC LIMIT ?`, limit)
	out := make([]appliance.Job, len(recs))
	for i, r := range recs {
		out[i] = r.Job
	}
	return out, err
}

// Unfinished implements jobs.Journal.
func (s *Store) Unfinished(ctx context.Context) ([]jobs.Record, error) {
	recs, err := s.jobs(ctx, jobColumns+`WHERE state = 'running' ORDER BY id`)
	for i := 0; err == nil && i < len(recs); i++ {
		recs[i].Outputs, err = s.outputs(ctx, recs[i].ID)
	}
	return recs, err
}

func (s *Store) outputs(ctx context.Context, id appliance.JobID) (map[string]json.RawMessage, error) {
	type output struct{ step, value string }
	all, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (o output, err error) {
		return o, rows.Scan(&o.step, &o.value)
	}, `SELECT name, output FROM job_step WHERE job = ? AND output IS NOT NULL`, id)
	out := make(map[string]json.RawMessage, len(all))
	for _, o := range all {
		out[o.step] = json.RawMessage(o.value)
	}
	return out, err
}

func (s *Store) jobs(ctx context.Context, text string, args ...any) ([]jobs.Record, error) {
	recs, err := sqlitedb.Query(ctx, s.db.Read(), scanJob, text, args...)
	if err != nil {
		return nil, err
	}
	for i := range recs {
		if recs[i].Steps, err = sqlitedb.Query(ctx, s.db.Read(), scanStep,
			`SELECT name, code, args, state, detail, notes, started, finished FROM job_step WHERE job = ? ORDER BY idx`, recs[i].ID); err != nil {
			return nil, err
		}
	}
	return recs, nil
}

func scanJob(rows *sql.Rows) (rec jobs.Record, err error) {
	var input, args string
	var why sql.NullString
	var created, finished, until sql.NullInt64
	if err := rows.Scan(&rec.ID, &rec.Kind, &rec.Subject, &args, &rec.By.Kind, &rec.By.Name, &rec.State, &rec.Committed, &input, &why, &created, &finished, &until); err != nil {
		return rec, err
	}
	rec.Input, rec.Created, rec.Finished, rec.Until = json.RawMessage(input), moment(created), moment(finished), moment(until)
	if json.Unmarshal([]byte(args), &rec.Args) != nil {
		rec.Args = nil // only words for people
	}
	if until.Valid {
		rec.State = appliance.JobWaiting
	}
	if why.Valid {
		rec.Problem = &problem.Problem{}
		if err := json.Unmarshal([]byte(why.String), rec.Problem); err != nil { // the job is to be taken up all the same
			rec.Problem = problem.From(fmt.Errorf("decode problem: %w", err), fmt.Sprintf("job %d", rec.ID))
		}
	}
	return rec, nil
}

func scanStep(rows *sql.Rows) (step appliance.JobStep, err error) {
	var args string
	var notes sql.NullString
	var started, finished sql.NullInt64
	if err := rows.Scan(&step.Name, &step.Code, &args, &step.State, &step.Detail, &notes, &started, &finished); err != nil {
		return step, err
	}
	step.Started, step.Finished = moment(started), moment(finished)
	if json.Unmarshal([]byte(args), &step.Args) != nil {
		step.Args = nil // only words for people
	}
	if notes.Valid && json.Unmarshal([]byte(notes.String), &step.Notes) != nil {
		step.Notes = nil
	}
	return step, nil
}

// errNoRow is returned by helpers when a row that must exist does not.
var errNoRow = errors.New("no such row")
