// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
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

var jobsArea = area[Jobs]{part: func(a Agent) Jobs { return a.Jobs }}

type listJobsParams struct {
	Limit int `json:"limit"`
}

type followJobParams struct {
	ID    appliance.JobID `json:"id"`
	After int64           `json:"after"`
}

var (
	listJobs = get(&jobsArea, "/v1/jobs", "The latest jobs, newest first.",
		func(j Jobs, ctx context.Context, p listJobsParams) ([]appliance.Job, error) {
			return j.List(ctx, p.Limit)
		})
	showJob   = get(&jobsArea, "/v1/jobs/{id}", "One job.", Jobs.Job)
	stopJob   = post(&jobsArea, "/v1/jobs/{id}/stop", "Has a job that runs put back what it did. It answers before that has happened.", silent(Jobs.Stop))
	finishJob = post(&jobsArea, "/v1/jobs/{id}/finish", "Takes what a job waits for as done, so that it becomes final now. A job that is held up tries again.", silent(Jobs.Finish))
	followJob = lines(&jobsArea, "/v1/jobs/{id}/events", "Its events as a stream of JSON lines, until it ends or waits.",
		func(j Jobs, ctx context.Context, p followJobParams, each func(appliance.JobEvent) error) error {
			return j.Follow(ctx, p.ID, p.After, each)
		})
)

type jobsClient struct{ *client }

func (c jobsClient) List(ctx context.Context, limit int) ([]appliance.Job, error) {
	return listJobs.do(ctx, c.client, listJobsParams{limit})
}

func (c jobsClient) Job(ctx context.Context, id appliance.JobID) (appliance.Job, error) {
	return showJob.do(ctx, c.client, id)
}

func (c jobsClient) Stop(ctx context.Context, id appliance.JobID) error {
	_, err := stopJob.do(ctx, c.client, id)
	return err
}

func (c jobsClient) Finish(ctx context.Context, id appliance.JobID) error {
	_, err := finishJob.do(ctx, c.client, id)
	return err
}

func (c jobsClient) Follow(ctx context.Context, id appliance.JobID, after int64, each func(appliance.JobEvent) error) error {
	return followJob.do(ctx, c.client, followJobParams{id, after}, each)
}
