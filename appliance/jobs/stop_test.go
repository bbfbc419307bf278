// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/problem"
)

// slow is a kind of job whose steps do nothing until they are let go on, or are
// cut short.
type slow struct {
	began chan string   // the step that begins
	goOn  chan struct{} // lets it end
	deaf  bool          // it ends well although it was cut short

	mu     sync.Mutex
	undone []string
}

func (s *slow) build(context.Context, json.RawMessage) ([]jobs.Step, error) {
	step := func(name string, commit bool) jobs.Step {
		return jobs.Step{
			Name: name, Commit: commit,
			Do: func(ctx context.Context, _ appliance.Progress) error {
				s.began <- name
				select {
				case <-s.goOn:
					return nil
				case <-ctx.Done():
					if s.deaf {
						return nil
					}
					return ctx.Err()
				}
			},
			Undo: func(context.Context) error {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.undone = append(s.undone, name)
				return nil
			},
		}
	}
	return []jobs.Step{step("one", false), step("commit", true), step("after", false)}, nil
}

// startSlow runs a slow job up to the step named until.
func startSlow(t *testing.T, s *slow, until string) (*jobs.Runner, appliance.JobID) {
	t.Helper()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	s.began, s.goOn = make(chan string), make(chan struct{})
	r.Register("slow", s.build)
	job, err := r.Start(t.Context(), "slow", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	for <-s.began != until {
		s.goOn <- struct{}{}
	}
	return r, job.ID
}

// end waits for the end of a job.
func end(t *testing.T, r *jobs.Runner, id appliance.JobID) appliance.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var job appliance.Job
	for again := time.NewTicker(10 * time.Millisecond); job.ID == 0 || !job.State.Ended(); <-again.C { // one that waits is not followed
		err := r.Follow(ctx, id, 0, func(appliance.JobEvent) error { return nil })
		if err == nil {
			job, err = r.Job(ctx, id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return job
}

func states(j appliance.Job) []appliance.StepState {
	var all []appliance.StepState
	for _, s := range j.Steps {
		all = append(all, s.State)
	}
	return all
}

func TestStop_putsBackWhatWasTried(t *testing.T) {
	t.Parallel()
	for name, deaf := range map[string]bool{"the step ends with an error": false, "the step ends well all the same": true} {
		for _, at := range []string{"one", "commit"} {
			t.Run(name+", at "+at, func(t *testing.T) {
				t.Parallel()
				s := &slow{deaf: deaf}
				r, id := startSlow(t, s, at)
				if job, err := r.Job(t.Context(), id); err != nil || !job.Stoppable {
					t.Errorf("it is not stoppable: %+v, %v", job, err)
				}
				if err := r.Stop(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				job := end(t, r, id)
				if job.State != appliance.JobUndone || !errors.Is(job.Problem, &problem.Problem{Code: "job-stopped"}) || job.Stoppable {
					t.Errorf("it ended as %+v", job)
				}
				want := []string{"one"}
				left := []appliance.StepState{appliance.StepUndone, appliance.StepTodo, appliance.StepTodo}
				if at == "commit" {
					want, left[1] = []string{"commit", "one"}, appliance.StepUndone
				}
				if !slices.Equal(s.undone, want) || !slices.Equal(states(job), left) {
					t.Errorf("undone %v, steps %v", s.undone, states(job))
				}
			})
		}
	}
}

func TestStop_comesTooLate(t *testing.T) {
	t.Parallel()
	s := &slow{}
	r, id := startSlow(t, s, "after")
	if err := r.Stop(t.Context(), id); !errors.Is(err, &problem.Problem{Code: "job-past-stopping"}) {
		t.Errorf("after the commit point: %v", err)
	}
	if job, err := r.Job(t.Context(), id); err != nil || job.Stoppable {
		t.Errorf("it says that it can be stopped: %+v, %v", job, err)
	}
	s.goOn <- struct{}{}
	if job := end(t, r, id); job.State != appliance.JobDone || len(s.undone) != 0 {
		t.Errorf("it ended as %s, undone %v", job.State, s.undone)
	}
	if err := r.Stop(t.Context(), id); !errors.Is(err, &problem.Problem{Code: "job-over"}) {
		t.Errorf("after the end: %v", err)
	}
	if err := r.Stop(t.Context(), 99); !errors.Is(err, &problem.Problem{Code: "job-unknown"}) {
		t.Errorf("of no job: %v", err)
	}
}

// TestStop_isHeldOverACrash kills the process with SIGKILL right after it
// promised to stop, and at each step that it puts back.
func TestStop_isHeldOverACrash(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"commit:started", "commit:undid", "two:undid", "one:undid"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			job, left := afterKill(t, "JOBS_STOP_AT=commit:started", "JOBS_CRASH_AT="+at)
			if job.State != appliance.JobUndone || !errors.Is(job.Problem, &problem.Problem{Code: "job-stopped"}) || len(left) != 0 {
				t.Errorf("%s with %d effects left, problem %v", job.State, len(left), job.Problem)
			}
		})
	}
}

// TestFollow_whoHearsTheEndMayBeginTheNextChange starts a job for the same subject
// as soon as the one before has said that it ended.
func TestFollow_whoHearsTheEndMayBeginTheNextChange(t *testing.T) {
	t.Parallel()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	r.Register("quick", func(context.Context, json.RawMessage) ([]jobs.Step, error) {
		return []jobs.Step{{Name: "one", Do: func(context.Context, appliance.Progress) error { return nil }}}, nil
	})
	for range 200 {
		job, err := r.Start(t.Context(), "quick", "x", nil)
		if err != nil {
			t.Fatal(err)
		}
		err = r.Follow(t.Context(), job.ID, 0, func(ev appliance.JobEvent) error {
			if ev.End != "" {
				return errEnded
			}
			return nil
		})
		if !errors.Is(err, errEnded) {
			t.Fatal(err)
		}
	}
}

var errEnded = errors.New("it has ended")
