// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// trial is a kind of job that is on trial until it is called for the last time.
type trial struct {
	until time.Time     // what the waiting step asks for
	calls atomic.Int64  // of the waiting step
	last  int64         // the call that says that it is done; 0: none does
	hang  chan struct{} // not nil: from the second call on it is read first
	fail  bool          // the second call fails

	undone atomic.Int64
}

func (w *trial) build(context.Context, json.RawMessage) ([]jobs.Step, error) {
	undo := func(context.Context) error { w.undone.Add(1); return nil }
	return []jobs.Step{
		{Name: "change", Do: nothing, Undo: undo},
		{Name: "trial", Undo: undo, Commit: true, Do: func(ctx context.Context, _ appliance.Progress) error {
			n := w.calls.Add(1)
			if n > 1 && w.hang != nil {
				select {
				case <-w.hang:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if n == 2 && w.fail {
				return errFailed
			}
			if n == w.last {
				return nil
			}
			return jobs.WaitUntil(w.until)
		}},
		{Name: "after", Do: nothing},
	}, nil
}

// startTrial starts it on the database at path, and returns when it waits.
func startTrial(t *testing.T, w *trial, path string) (*jobs.Runner, appliance.JobID) {
	t.Helper()
	r, _ := start(t, path, jobs.Deps{})
	r.Register("trial", w.build)
	job, err := r.Start(t.Context(), "trial", "app:wiki", nil)
	if err != nil {
		t.Fatal(err)
	}
	waits(t, r, job.ID)
	return r, job.ID
}

func waits(t *testing.T, r *jobs.Runner, id appliance.JobID) {
	t.Helper()
	testkit.Eventually(t, 5*time.Second, "the job waits", func() bool {
		job, err := r.Job(t.Context(), id)
		return err == nil && job.State == appliance.JobWaiting && !job.Until.IsZero() && !r.Working("app:wiki")
	})
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }

func TestWaiting_itsSubjectIsLookedAfterButNotChanged(t *testing.T) {
	t.Parallel()
	r, id := startTrial(t, &trial{until: inAnHour()}, filepath.Join(t.TempDir(), "db"))
	_, err := r.Start(t.Context(), "trial", "app:wiki", nil)
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Code != "job-waiting" || p.Args["job"] != "1" || !slices.Contains(p.Next, "to make it final now: coopkit job finish 1") {
		t.Errorf("another change: %v", err)
	}
	looked := false
	if !r.Exclusive(t.Context(), "app:wiki", func(context.Context) { looked = true }) || !looked {
		t.Error("nobody may look after what is on trial")
	}
	if other, err := r.Start(t.Context(), "trial", "app:other", nil); err != nil {
		t.Errorf("a change of something else: %v", err)
	} else if err := r.Stop(t.Context(), other.ID); err != nil {
		t.Error(err)
	}
	job, err := r.Job(t.Context(), id)
	if err != nil || !job.Stoppable || job.State.Ended() || job.Problem != nil {
		t.Errorf("%+v, %v", job, err)
	}
}

func TestWaiting_isCalledAgainWhenItIsTime(t *testing.T) {
	t.Parallel()
	w := &trial{until: time.Now().Add(300 * time.Millisecond), last: 2}
	r, id := startTrial(t, w, filepath.Join(t.TempDir(), "db"))
	inside, begun := make(chan struct{}), make(chan struct{})
	go r.Exclusive(t.Context(), "app:wiki", func(ctx context.Context) { // gives way when the job goes on
		close(begun)
		<-ctx.Done()
		close(inside)
	})
	<-begun
	if job := end(t, r, id); job.State != appliance.JobDone || w.calls.Load() != 2 || w.undone.Load() != 0 {
		t.Errorf("%s after %d calls", job.State, w.calls.Load())
	}
	<-inside
}

func TestWake_callsItNow(t *testing.T) {
	t.Parallel()
	w := &trial{until: inAnHour(), last: 3}
	r, id := startTrial(t, w, filepath.Join(t.TempDir(), "db"))
	r.Wake(id)
	testkit.Eventually(t, 5*time.Second, "it is called", func() bool { return w.calls.Load() == 2 })
	waits(t, r, id)
	r.Wake(id)
	if job := end(t, r, id); job.State != appliance.JobDone || w.calls.Load() != 3 {
		t.Errorf("%s after %d calls", job.State, w.calls.Load())
	}
	r.Wake(id)
	r.Wake(99)
}

func TestFinish_takesItAsDone(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*trial{
		"while it sleeps":    {until: inAnHour()},
		"while it is called": {until: inAnHour(), hang: make(chan struct{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, id := startTrial(t, w, filepath.Join(t.TempDir(), "db"))
			if w.hang != nil {
				r.Wake(id)
				testkit.Eventually(t, 5*time.Second, "it is called", func() bool { return w.calls.Load() == 2 })
			}
			if err := r.Finish(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if err := r.Stop(t.Context(), id); err == nil {
				t.Error("it can be stopped after it was made final")
			}
			if job := end(t, r, id); job.State != appliance.JobDone || job.Steps[1].State != appliance.StepDone || w.undone.Load() != 0 {
				t.Errorf("%+v", job)
			}
			if err := r.Finish(t.Context(), id); !errors.Is(err, &problem.Problem{Code: "job-over"}) {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

func TestFinish_refusesWhatDoesNotWait(t *testing.T) {
	t.Parallel()
	s := &slow{}
	r, id := startSlow(t, s, "one")
	if err := r.Finish(t.Context(), id); !errors.Is(err, &problem.Problem{Code: "job-not-waiting"}) {
		t.Errorf("at work: %v", err)
	}
	if err := r.Finish(t.Context(), 99); !errors.Is(err, &problem.Problem{Code: "job-unknown"}) {
		t.Errorf("of no job: %v", err)
	}
}

func TestWaiting_goesBackWhenStoppedOrWhenItFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trial *trial
		do    func(*jobs.Runner, appliance.JobID) error
		want  error
	}{
		"stopped": {&trial{until: inAnHour()}, func(r *jobs.Runner, id appliance.JobID) error {
			return r.Stop(context.Background(), id)
		}, &problem.Problem{Code: "job-stopped"}},
		"stopped in a call": {&trial{until: inAnHour(), hang: make(chan struct{})}, func(r *jobs.Runner, id appliance.JobID) error {
			r.Wake(id)
			return r.Stop(context.Background(), id)
		}, &problem.Problem{Code: "job-stopped"}},
		"fails": {&trial{until: inAnHour(), fail: true}, func(r *jobs.Runner, id appliance.JobID) error { r.Wake(id); return nil }, errFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, id := startTrial(t, c.trial, filepath.Join(t.TempDir(), "db"))
			if err := c.do(r, id); err != nil {
				t.Fatal(err)
			}
			if job := end(t, r, id); job.State != appliance.JobUndone || !errors.Is(job.Problem, c.want) || c.trial.undone.Load() != 2 || !job.Until.IsZero() {
				t.Errorf("%+v, %d steps undone", job, c.trial.undone.Load())
			}
		})
	}
}

// TestWaiting_survivesRestarts ends the Runner while the job waits, and lets
// another go on.
func TestWaiting_survivesRestarts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "db")
	w := &trial{until: inAnHour()}
	t.Run("before", func(t *testing.T) { startTrial(t, w, path) })
	t.Run("between", func(t *testing.T) {
		r, _ := startWith(t, path, jobs.Deps{}, func(r *jobs.Runner) { r.Register("trial", w.build) })
		waits(t, r, 1)
		if _, err := r.Start(t.Context(), "trial", "app:wiki", nil); !errors.Is(err, &problem.Problem{Code: "job-waiting"}) {
			t.Errorf("another change: %v", err)
		}
	})
	t.Run("after", func(t *testing.T) {
		r, _ := startWith(t, path, jobs.Deps{}, func(r *jobs.Runner) { r.Register("trial", w.build) })
		waits(t, r, 1)
		if err := r.Finish(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if job := end(t, r, 1); job.State != appliance.JobDone || w.calls.Load() != 1 || w.undone.Load() != 0 {
			t.Errorf("%s after %d calls", job.State, w.calls.Load())
		}
	})
}

// TestWaiting_survivesKill kills the process while the waiting step is called
// again: that is no reason to give up what is on trial. Once it is stopped or has
// failed, it is not taken up as waiting.
func TestWaiting_survivesKill(t *testing.T) {
	t.Parallel()
	job, left := afterKill(t, "JOBS_WAIT_AT=commit", "JOBS_CRASH_AT=commit:called")
	if job.State != appliance.JobDone || len(left) != len(crashSteps) {
		t.Errorf("killed in a call: %s with %d effects", job.State, len(left))
	}
	for _, at := range []string{"two:undid", "one:undone"} {
		job, left = afterKill(t, "JOBS_WAIT_AT=commit", "JOBS_STOP_AT=commit:called", "JOBS_CRASH_AT="+at)
		if job.State != appliance.JobUndone || !errors.Is(job.Problem, &problem.Problem{Code: "job-stopped"}) || len(left) != 0 {
			t.Errorf("stopped, then killed at %s: %s with %d effects, %v", at, job.State, len(left), job.Problem)
		}
	}
}
