// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
)

// Jobs are the changes to this box.
type Jobs interface {
	List(ctx context.Context, req appliance.ListJobs) ([]appliance.Job, error)
	Show(ctx context.Context, id appliance.JobID) (appliance.Job, error)
	// Stop asks a job that runs to go back; it returns before that has happened.
	Stop(ctx context.Context, id appliance.JobID) error
	// Follow calls each for every event that is asked for, in order, until the job
	// has ended or ctx is done.
	Follow(ctx context.Context, req appliance.FollowJob, each func(appliance.JobEvent) error) error
}

var jobsArea = area[Jobs]{part: func(a Agent) Jobs { return a.Jobs }}

var (
	listJobs  = get(&jobsArea, "/v1/jobs", "The latest jobs, newest first.", Jobs.List)
	showJob   = get(&jobsArea, "/v1/jobs/{id}", "One job.", Jobs.Show)
	stopJob   = post(&jobsArea, "/v1/jobs/{id}/stop", "Has a job that runs put back what it did. It answers before that has happened.", silent(Jobs.Stop))
	followJob = lines(&jobsArea, "/v1/jobs/{id}/events", "Its events as a stream of JSON lines, until it ends.", Jobs.Follow)
)

type jobsClient struct{ *client }

func (c jobsClient) List(ctx context.Context, req appliance.ListJobs) ([]appliance.Job, error) {
	return listJobs.do(ctx, c.client, req)
}

func (c jobsClient) Show(ctx context.Context, id appliance.JobID) (appliance.Job, error) {
	return showJob.do(ctx, c.client, id)
}

func (c jobsClient) Stop(ctx context.Context, id appliance.JobID) error {
	_, err := stopJob.do(ctx, c.client, id)
	return err
}

func (c jobsClient) Follow(ctx context.Context, req appliance.FollowJob, each func(appliance.JobEvent) error) error {
	return followJob.do(ctx, c.client, req, each)
}
