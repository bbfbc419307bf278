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
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO job (kind, subject, state, input, created) VALUES (?, ?, ?, ?, ?)`,
			rec.Kind, rec.Subject, rec.State, string(rec.Input), millis(rec.Created))
		if sqlitedb.IsUnique(err) {
			return jobs.Busy(rec.Subject)
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

// SetStep implements jobs.Journal.
func (s *Store) SetStep(ctx context.Context, id appliance.JobID, index int, step appliance.JobStep, committed bool) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE job_step SET state = ?, detail = ?, started = ?, finished = ? WHERE job = ? AND idx = ?`,
			step.State, step.Detail, millis(step.Started), millis(step.Finished), id, index); err != nil {
			return fmt.Errorf("update step: %w", err)
		}
		_, err := tx.ExecContext(ctx, `UPDATE job SET committed = max(committed, ?) WHERE id = ?`, committed, id)
		return err
	})
}

// EndJob implements jobs.Journal.
func (s *Store) EndJob(ctx context.Context, job appliance.Job) error {
	var why sql.NullString
	if job.Problem != nil {
		text, err := encode(job.Problem)
		if err != nil {
			return err
		}
		why = sql.NullString{String: text, Valid: true}
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE job SET state = ?, problem = ?, finished = ? WHERE id = ?`,
			job.State, why, millis(job.Finished), job.ID)
		return err
	})
}

// AddEvent implements jobs.Journal.
func (s *Store) AddEvent(ctx context.Context, ev appliance.JobEvent) (int64, error) {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) + 1 FROM job_event WHERE job = ?`, ev.Job).Scan(&ev.Seq); err != nil {
			return fmt.Errorf("number event: %w", err)
		}
		text, err := encode(ev)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO job_event (job, seq, time, event) VALUES (?, ?, ?, ?)`, ev.Job, ev.Seq, millis(ev.Time), text)
		return err
	})
	return ev.Seq, err
}

// Events implements jobs.Journal.
func (s *Store) Events(ctx context.Context, id appliance.JobID, after int64) ([]appliance.JobEvent, error) {
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (ev appliance.JobEvent, err error) {
		var text string
		if err := rows.Scan(&text); err != nil {
			return ev, err
		}
		return ev, json.Unmarshal([]byte(text), &ev)
	}, `SELECT event FROM job_event WHERE job = ? AND seq > ? ORDER BY seq`, id, after)
}

const jobColumns = `SELECT id, kind, subject, state, committed, input, problem, created, finished FROM job `

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
	return s.jobs(ctx, jobColumns+`WHERE state = 'running' ORDER BY id`)
}

func (s *Store) jobs(ctx context.Context, text string, args ...any) ([]jobs.Record, error) {
	recs, err := sqlitedb.Query(ctx, s.db.Read(), scanJob, text, args...)
	if err != nil {
		return nil, err
	}
	for i := range recs {
		if recs[i].Steps, err = sqlitedb.Query(ctx, s.db.Read(), scanStep,
			`SELECT name, code, args, state, detail, started, finished FROM job_step WHERE job = ? ORDER BY idx`, recs[i].ID); err != nil {
			return nil, err
		}
	}
	return recs, nil
}

func scanJob(rows *sql.Rows) (rec jobs.Record, err error) {
	var input string
	var why sql.NullString
	var created, finished sql.NullInt64
	if err := rows.Scan(&rec.ID, &rec.Kind, &rec.Subject, &rec.State, &rec.Committed, &input, &why, &created, &finished); err != nil {
		return rec, err
	}
	rec.Input, rec.Created, rec.Finished = json.RawMessage(input), moment(created), moment(finished)
	if why.Valid {
		rec.Problem = &problem.Problem{}
		err = json.Unmarshal([]byte(why.String), rec.Problem)
	}
	return rec, err
}

func scanStep(rows *sql.Rows) (step appliance.JobStep, err error) {
	var args string
	var started, finished sql.NullInt64
	if err := rows.Scan(&step.Name, &step.Code, &args, &step.State, &step.Detail, &started, &finished); err != nil {
		return step, err
	}
	step.Started, step.Finished = moment(started), moment(finished)
	return step, json.Unmarshal([]byte(args), &step.Args)
}

// errNoRow is returned by helpers when a row that must exist does not.
var errNoRow = errors.New("no such row")
