// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
	"coopkit/internal/testkit"
)

// TestRunner_survivesEachWriteThatFails has each write of the journal fail, once
// and from then on until there is room again.
func TestRunner_survivesEachWriteThatFails(t *testing.T) {
	t.Parallel()
	for _, lasting := range []bool{false, true} {
		for at := int64(1); ; at++ {
			if !withFault(t, at, lasting) {
				break // the job needs no more writes than that
			}
		}
	}
}

// withFault runs the job with the write of that number failing. It returns false
// when there was none.
func withFault(t *testing.T, at int64, lasting bool) bool {
	t.Helper()
	dir := t.TempDir()
	r, s := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	var n atomic.Int64
	var room atomic.Bool
	s.FailWrites(func() error {
		if i := n.Add(1); i == at || lasting && i > at && !room.Load() {
			return sqlitedb.DiskFull()
		}
		return nil
	})
	what := fmt.Sprintf("write %d fails, lasting %v", at, lasting)
	job, err := r.Start(t.Context(), "crash", "thing", crashInput{Dir: dir})
	if at == 1 {
		if !errors.Is(err, &problem.Problem{Code: "disk-full"}) {
			t.Errorf("%s: start says %v", what, err)
		}
		room.Store(true)
		if job, err = r.Start(t.Context(), "crash", "thing", crashInput{Dir: dir}); err != nil {
			t.Fatalf("%s: then: %v", what, err)
		}
	} else if err != nil {
		t.Fatal(err)
	}
	if lasting {
		testkit.Eventually(t, 10*time.Second, what, func() bool {
			job, err := r.Job(t.Context(), job.ID)
			return err == nil && (job.HeldUp || job.State.Ended())
		})
		room.Store(true)
	}
	job = end(t, r, job.ID)
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case job.State == appliance.JobDone && len(left) == len(crashSteps) && job.Problem == nil:
	case job.State == appliance.JobUndone && len(left) == 0 && errors.Is(job.Problem, &problem.Problem{Code: "disk-full"}):
	default:
		t.Errorf("%s: %s with %d effects, problem %v", what, job.State, len(left), job.Problem)
	}
	s.FailWrites(nil)
	if again, err := r.Start(t.Context(), "crash", "thing", crashInput{Dir: dir}); err != nil || end(t, r, again.ID).State != appliance.JobDone {
		t.Errorf("%s: the next change: %v", what, err)
	}
	return n.Load() >= at
}

func one(do func(context.Context, appliance.Progress) error) jobs.Builder {
	return func(context.Context, json.RawMessage) ([]jobs.Step, error) {
		return []jobs.Step{{Name: "one", Do: do}}, nil
	}
}

func nothing(context.Context, appliance.Progress) error { return nil }

// TestRunner_endIsWrittenWhenThereIsRoom has a job whose end cannot be written.
func TestRunner_endIsWrittenWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	r, s := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	r.Register("quick", one(func(context.Context, appliance.Progress) error { return nil }))
	var n atomic.Int64
	var room atomic.Bool
	s.FailWrites(func() error {
		if n.Add(1) > 3 && !room.Load() { // created, begun, done
			return sqlitedb.DiskFull()
		}
		return nil
	})
	job, err := r.Start(t.Context(), "quick", "app:wordpress", nil)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 5*time.Second, "it is held up", func() bool {
		job, err := r.Job(t.Context(), job.ID)
		return err == nil && job.HeldUp && errors.Is(job.Problem, &problem.Problem{Code: "disk-full"})
	})
	ahead.Store(int64(time.Minute))
	held := &problem.Problem{Code: "job-held-up"}
	says := func(what string, ask func() error) { // between two tries it is not held up
		testkit.Eventually(t, 5*time.Second, what, func() bool { return errors.Is(ask(), held) })
	}
	says("whoever follows is told", func() error {
		return r.Follow(t.Context(), job.ID, 0, func(appliance.JobEvent) error { return nil })
	})
	says("it is not to be stopped", func() error { return r.Stop(t.Context(), job.ID) })
	says("the next change waits", func() error { _, err := r.Start(t.Context(), "quick", "app:wordpress", nil); return err })
	if r.Exclusive(t.Context(), "app:wordpress", func(context.Context) {}) {
		t.Error("its subject was given away")
	}
	room.Store(true)
	ahead.Store(0)
	if job := end(t, r, job.ID); job.State != appliance.JobDone || job.HeldUp || job.Problem != nil {
		t.Errorf("with room again: %+v", job)
	}
	if again, err := r.Start(t.Context(), "quick", "app:wordpress", nil); err != nil || end(t, r, again.ID).State != appliance.JobDone {
		t.Errorf("the next change: %v", err)
	}
}

// TestRunner_triesAgainPastTheCommitPoint has a step fail a few times.
func TestRunner_triesAgainPastTheCommitPoint(t *testing.T) {
	t.Parallel()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	var tries atomic.Int64
	r.Register("stubborn", func(context.Context, json.RawMessage) ([]jobs.Step, error) {
		return []jobs.Step{
			{Name: "commit", Commit: true, Do: nothing},
			{Name: "extra", Optional: true, Do: func(context.Context, appliance.Progress) error { return errFailed }},
			{Name: "after", Do: func(context.Context, appliance.Progress) error {
				if tries.Add(1) < 4 {
					return errors.New("not yet")
				}
				return nil
			}},
		}, nil
	})
	job, err := r.Start(t.Context(), "stubborn", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	job = end(t, r, job.ID)
	if job.State != appliance.JobDone || job.Problem != nil || tries.Load() != 4 {
		t.Errorf("%s after %d tries, problem %v", job.State, tries.Load(), job.Problem)
	}
	if extra := job.Steps[1]; extra.State != appliance.StepBad || extra.Detail != errFailed.What {
		t.Errorf("the step that it can do without is %+v", extra)
	}
}

// TestRunner_undoTriesAgainWithinItsLimit has an Undo fail a few times, and looks
// at how long each may take.
func TestRunner_undoTriesAgainWithinItsLimit(t *testing.T) {
	t.Parallel()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	limits := map[string]time.Duration{}
	var tries atomic.Int64
	undo := func(name string, fails int64) func(context.Context) error {
		return func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			limits[name] = time.Until(deadline).Round(time.Minute)
			if tries.Add(1) <= fails {
				return errors.New("not yet")
			}
			return nil
		}
	}
	r.Register("failing", func(context.Context, json.RawMessage) ([]jobs.Step, error) {
		return []jobs.Step{
			{Name: "usual", Do: nothing, Undo: undo("usual", 3)},
			{Name: "data", Do: nothing, Undo: undo("data", 0), UndoLimit: 6 * time.Hour},
			{Name: "fail", Do: func(context.Context, appliance.Progress) error { return errFailed }},
		}, nil
	})
	job, err := r.Start(t.Context(), "failing", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if job := end(t, r, job.ID); job.State != appliance.JobUndone || !errors.Is(job.Problem, errFailed) || tries.Load() != 4 {
		t.Errorf("%s after %d tries, %v", job.State, tries.Load(), job.Problem)
	}
	if limits["usual"] != jobs.DefaultUndoLimit || limits["data"] != 6*time.Hour {
		t.Errorf("limits %v", limits)
	}
}

// TestRunner_undoWaitsForWhatAPersonCanPutRight has an Undo fail for long because
// of a full disk.
func TestRunner_undoWaitsForWhatAPersonCanPutRight(t *testing.T) {
	t.Parallel()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	var tries atomic.Int64
	r.Register("failing", func(context.Context, json.RawMessage) ([]jobs.Step, error) {
		return []jobs.Step{{
			Name: "a", Do: func(context.Context, appliance.Progress) error { return errFailed },
			Undo: func(context.Context) error {
				if tries.Add(1) < 50 {
					return &problem.Problem{Code: "disk-full", What: "the disk is full", Next: []string{"make room"}}
				}
				return nil
			},
		}}, nil
	})
	job, err := r.Start(t.Context(), "failing", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if job := end(t, r, job.ID); job.State != appliance.JobUndone || tries.Load() != 50 {
		t.Errorf("%s after %d tries", job.State, tries.Load())
	}
}

func TestRunner_undoThatNeverWorksEndsAsFailed(t *testing.T) {
	t.Parallel()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	var undone atomic.Bool
	r.Register("failing", func(context.Context, json.RawMessage) ([]jobs.Step, error) {
		return []jobs.Step{
			{Name: "a", Do: nothing, Undo: func(context.Context) error { undone.Store(true); return nil }},
			{Name: "b", Do: func(context.Context, appliance.Progress) error { panic("a mistake") }, Undo: func(context.Context) error { panic("another") }},
		}, nil
	})
	job, err := r.Start(t.Context(), "failing", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if job := end(t, r, job.ID); job.State != appliance.JobFailed || job.Problem.Code != "unexpected" || !undone.Load() {
		t.Errorf("%s, %v, the other step undone: %v", job.State, job.Problem, undone.Load())
	}
}
