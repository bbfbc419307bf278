// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"encoding/json"
	"strings"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// Record is a job as the journal keeps it: with the input that its steps are
// made from, and whether its commit point has passed.
type Record struct {
	appliance.Job
	Input     json.RawMessage
	Committed bool
}

// Journal keeps jobs, steps and events durably: when a call returns, kill -9
// does not lose what it wrote. Implementations are safe for concurrent use.
type Journal interface {
	// CreateJob records a running job and gives it its number. A job that runs
	// for the same subject gives a Problem "job-running".
	CreateJob(ctx context.Context, job Record) (appliance.JobID, error)
	// SetStep records the state of the step at index; committed becomes and
	// stays true when the commit point has passed.
	SetStep(ctx context.Context, id appliance.JobID, index int, step appliance.JobStep, committed bool) error
	// EndJob records how the job ended.
	EndJob(ctx context.Context, job appliance.Job) error
	// AddEvent records an event and returns its number within the job.
	AddEvent(ctx context.Context, ev appliance.JobEvent) (int64, error)

	// Job returns one job; an unknown number gives a Problem "job-unknown".
	Job(ctx context.Context, id appliance.JobID) (appliance.Job, error)
	// Jobs returns the newest jobs, newest first.
	Jobs(ctx context.Context, limit int) ([]appliance.Job, error)
	// Unfinished returns the jobs that were running when the agent ended, oldest
	// first.
	Unfinished(ctx context.Context) ([]Record, error)
	// Events returns the events of a job after the given number, in order.
	Events(ctx context.Context, id appliance.JobID, after int64) ([]appliance.JobEvent, error)
}

// Busy is the Problem of a subject that another job is changing.
func Busy(subject string) error {
	_, name, _ := strings.Cut(subject, ":")
	return &problem.Problem{
		Code: "job-running", Kind: problem.Conflict,
		What: "another change to " + subject + " is going on",
		Why:  "one change at a time keeps every change undoable",
		Next: []string{"coopkit job list", "wait until it has ended, then try again"},
		Args: map[string]string{"subject": name},
	}
}
