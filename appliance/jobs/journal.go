// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"encoding/json"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// Record is a job as the journal has it: with the input that its steps are made
// from, what its steps hand to each other, and whether its commit point has
// passed.
type Record struct {
	appliance.Job
	Input     json.RawMessage
	Outputs   map[string]json.RawMessage // by the name of the step
	Committed bool
}

// NoStep is the index for Journal.Save when only the job itself changed.
const NoStep = -1

// Journal stores jobs, steps and events durably: when a call returns, kill -9
// does not lose what it wrote; after an error nothing of it is written.
// Implementations are safe for concurrent use.
type Journal interface {
	// CreateJob records a running job and gives it its number. A job that runs
	// or waits for the same subject gives a Problem "job-running".
	CreateJob(ctx context.Context, job Record) (appliance.JobID, error)
	// Save records how far the job is: its state, its problem, whether its commit
	// point has passed, and the step at index unless that is NoStep. Before the
	// commit point a problem that was recorded is never removed.
	Save(ctx context.Context, job Record, index int) error
	// SetProblem records why the job goes back.
	SetProblem(ctx context.Context, id appliance.JobID, p *problem.Problem) error
	// SetOutput records what the step at index hands to later ones.
	SetOutput(ctx context.Context, id appliance.JobID, index int, value json.RawMessage) error
	// AddEvents records events of one job at once and numbers them. Of a long log
	// only the first and the last lines stay.
	AddEvents(ctx context.Context, id appliance.JobID, events []appliance.JobEvent) error

	// Job returns one job; an unknown number gives a Problem "job-unknown".
	Job(ctx context.Context, id appliance.JobID) (appliance.Job, error)
	// Jobs returns the newest jobs, newest first; a negative limit means all.
	Jobs(ctx context.Context, limit int) ([]appliance.Job, error)
	// Unfinished returns the jobs that were running or waiting when the agent
	// ended, oldest first.
	Unfinished(ctx context.Context) ([]Record, error)
	// Events returns the events of a job after the given number, in order.
	Events(ctx context.Context, id appliance.JobID, after int64) ([]appliance.JobEvent, error)
}
