// SPDX-License-Identifier: AGPL-3.0-or-later

package controltest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// job is a job with its events and what it does when it ends well.
type job struct {
	appliance.Job
	events []appliance.JobEvent
	apply  func()
}

// stepTime is how long a step takes on the fake's clock.
const stepTime = 1400 * time.Millisecond

// Hold makes jobs that start from now on stop after their first step, until
// Release.
func (f *Fake) Hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = true
}

// Release lets held jobs end.
func (f *Fake) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = false
	for _, j := range f.jobs {
		if j.State == appliance.JobRunning {
			f.finish(j, 1)
		}
	}
}

// Following tells how many callers wait for events of a job that runs.
func (f *Fake) Following() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.following
}

// start runs a job of these steps. f is locked.
func (f *Fake) start(kind appliance.Change, subject string, apply func(), steps ...appliance.StepCode) appliance.Job {
	j := &job{Job: appliance.Job{
		ID: appliance.JobID(len(f.jobs) + 1), Kind: kind, Subject: subject, State: appliance.JobRunning, Created: f.now,
	}, apply: apply}
	_, name, _ := strings.Cut(subject, ":")
	for _, code := range steps {
		j.Steps = append(j.Steps, appliance.JobStep{Name: string(code), Code: code, Args: map[string]string{"name": name, "version": "1"}, State: appliance.StepTodo})
	}
	f.jobs = append(f.jobs, j)
	begun := j.copy()
	f.run(j, 0)
	if !f.held {
		f.finish(j, 1)
	}
	return begun
}

func (f *Fake) finish(j *job, from int) {
	for i := from; i < len(j.Steps) && j.Problem == nil; i++ {
		f.run(j, i)
	}
	j.State = appliance.JobDone
	if j.Problem != nil {
		j.State = appliance.JobUndone
	} else if j.apply != nil {
		j.apply()
	}
	j.Finished = f.now
	f.tell(j, appliance.JobEvent{End: j.State})
}

// run does one step; the last one fails when jobs are to fail.
func (f *Fake) run(j *job, i int) {
	s := &j.Steps[i]
	s.State, s.Started = appliance.StepRunning, f.now
	f.tell(j, appliance.JobEvent{Step: s.Name, State: s.State})
	f.now = f.now.Add(stepTime / 2)
	f.tell(j, appliance.JobEvent{Step: s.Name, Done: 50, Total: 100})
	f.tell(j, appliance.JobEvent{Step: s.Name, Text: "half of it is there"})
	f.now = f.now.Add(stepTime / 2)
	s.State, s.Finished = appliance.StepDone, f.now
	if f.jobFault != nil && i == len(j.Steps)-1 {
		s.State, j.Problem = appliance.StepBad, f.jobFault
	}
	f.tell(j, appliance.JobEvent{Step: s.Name, State: s.State})
}

func (f *Fake) tell(j *job, e appliance.JobEvent) {
	e.Job, e.Seq, e.Time = j.ID, int64(len(j.events)+1), f.now
	j.events = append(j.events, e)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (j *job) copy() appliance.Job {
	c := j.Job
	c.Steps = slices.Clone(j.Steps)
	c.Stoppable = j.State == appliance.JobRunning
	return c
}

// Jobs implements control.Backend.
func (f fakeJobs) List(ctx context.Context, limit int) ([]appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Jobs"); err != nil {
		return nil, err
	}
	list := []appliance.Job{}
	for _, j := range slices.Backward(f.jobs) {
		if limit > 0 && len(list) == limit {
			break
		}
		list = append(list, j.copy())
	}
	return list, nil
}

// Job implements control.Backend.
func (f fakeJobs) Job(ctx context.Context, id appliance.JobID) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Job"); err != nil {
		return appliance.Job{}, err
	}
	j, err := f.job(id)
	if err != nil {
		return appliance.Job{}, err
	}
	return j.copy(), nil
}

// StopJob implements control.Backend; a job that is held goes back at once.
func (f fakeJobs) Stop(ctx context.Context, id appliance.JobID) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "StopJob"); err != nil {
		return err
	}
	j, err := f.job(id)
	if err != nil {
		return err
	}
	if j.State != appliance.JobRunning {
		return fault("job-over", problem.Conflict, fmt.Sprintf("job %d has ended already", id), fmt.Sprintf("coopkit job show %d", id))
	}
	for i := range j.Steps {
		if s := &j.Steps[i]; s.State == appliance.StepDone {
			s.State = appliance.StepUndone
			f.tell(j, appliance.JobEvent{Step: s.Name, State: s.State})
		}
	}
	j.Problem = problem.From(fault("job-stopped", problem.Failed, "the change was stopped", "start it again"), "")
	f.finish(j, len(j.Steps))
	return nil
}

// Finish implements control.Jobs; no job of the fake waits.
func (f fakeJobs) Finish(ctx context.Context, id appliance.JobID) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "FinishJob"); err != nil {
		return err
	}
	if _, err := f.job(id); err != nil {
		return err
	}
	return fault("job-not-waiting", problem.Conflict, fmt.Sprintf("job %d does not wait for anybody", id), fmt.Sprintf("coopkit job follow %d", id))
}

func (f *Fake) job(id appliance.JobID) (*job, error) {
	if id < 1 || int(id) > len(f.jobs) {
		return nil, unknown("job-unknown", fmt.Sprintf("there is no job %d", id), "coopkit job list")
	}
	return f.jobs[id-1], nil
}

// JobEvents implements control.Backend.
func (f fakeJobs) Follow(
	ctx context.Context, id appliance.JobID, after int64, each func(appliance.JobEvent) error,
) error {
	for {
		news, wait, err := f.news(ctx, id, after)
		if err != nil {
			return err
		}
		for _, e := range news {
			if err := each(e); err != nil {
				return err
			}
			after = e.Seq
		}
		if wait == nil {
			return nil
		}
		if err := f.wait(ctx, wait); err != nil {
			return err
		}
	}
}

// news returns the events after the given one, and a channel that is closed
// when there are more; nil when there will be none.
func (f *Fake) news(ctx context.Context, id appliance.JobID, after int64) ([]appliance.JobEvent, <-chan struct{}, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "JobEvents"); err != nil {
		return nil, nil, err
	}
	j, err := f.job(id)
	if err != nil {
		return nil, nil, err
	}
	news := slices.Clone(j.events[min(int(after), len(j.events)):])
	if j.State != appliance.JobRunning {
		return news, nil, nil
	}
	return news, f.changed, nil
}

func (f *Fake) wait(ctx context.Context, changed <-chan struct{}) error {
	f.count(1)
	defer f.count(-1)
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *Fake) count(by int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.following += by
}

func unknown(code, what, next string) error { return fault(code, problem.NotFound, what, next) }

// fault makes a Problem as the real agent would. Codes are not literals here,
// because docs/reference/problems.md lists those of the real one.
func fault(code string, kind problem.Kind, what, next string) error {
	return &problem.Problem{Code: code, Kind: kind, What: what, Next: []string{next}}
}
