// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Jobs are the changes to this box.
type Jobs interface {
	// List returns the newest jobs, newest first; with limit 0 all that are kept.
	List(ctx context.Context, limit int) ([]appliance.Job, error)
	Job(ctx context.Context, id appliance.JobID) (appliance.Job, error)
	// Stop asks a job that runs or waits to go back; it returns before that has happened.
	Stop(ctx context.Context, id appliance.JobID) error
	// Finish takes what a job waits for as done; a job that is held up tries again.
	Finish(ctx context.Context, id appliance.JobID) error
	// Follow calls each for every event after the given one, in order, until the
	// job has ended or waits, or ctx is done.
	Follow(ctx context.Context, id appliance.JobID, after int64, each func(appliance.JobEvent) error) error
}

var jobsArea = localrpc.Area[Agent, Jobs]{Part: func(a Agent) Jobs { return a.Jobs }}

type listJobsParams struct {
	Limit int `json:"limit"`
}

type followJobParams struct {
	ID    appliance.JobID `json:"id"`
	After int64           `json:"after"`
}

var (
	listJobs = localrpc.Get(&jobsArea, "/v1/jobs", "The latest jobs, newest first.",
		func(j Jobs, ctx context.Context, p listJobsParams) ([]appliance.Job, error) {
			return j.List(ctx, p.Limit)
		})
	showJob   = localrpc.Get(&jobsArea, "/v1/jobs/{id}", "One job.", Jobs.Job)
	stopJob   = localrpc.Post(&jobsArea, "/v1/jobs/{id}/stop", "Has a job that runs put back what it did. It answers before that has happened.", localrpc.Silent(Jobs.Stop))
	finishJob = localrpc.Post(&jobsArea, "/v1/jobs/{id}/finish", "Takes what a job waits for as done, so that it becomes final now. A job that is held up tries again.", localrpc.Silent(Jobs.Finish))
	followJob = localrpc.Lines(&jobsArea, "/v1/jobs/{id}/events", "Its events as a stream of JSON lines, until it ends or waits.",
		func(j Jobs, ctx context.Context, p followJobParams, each func(appliance.JobEvent) error) error {
			return j.Follow(ctx, p.ID, p.After, each)
		})
)

type jobsClient struct{ *localrpc.Client }

func (c jobsClient) List(ctx context.Context, limit int) ([]appliance.Job, error) {
	return listJobs.Do(ctx, c.Client, listJobsParams{limit})
}

func (c jobsClient) Job(ctx context.Context, id appliance.JobID) (appliance.Job, error) {
	return showJob.Do(ctx, c.Client, id)
}

func (c jobsClient) Stop(ctx context.Context, id appliance.JobID) error {
	_, err := stopJob.Do(ctx, c.Client, id)
	return err
}

func (c jobsClient) Finish(ctx context.Context, id appliance.JobID) error {
	_, err := finishJob.Do(ctx, c.Client, id)
	return err
}

func (c jobsClient) Follow(ctx context.Context, id appliance.JobID, after int64, each func(appliance.JobEvent) error) error {
	return followJob.Do(ctx, c.Client, followJobParams{id, after}, each)
}
