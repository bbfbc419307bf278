// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/appliance/store"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// The steps of the crash tests leave one file each; "commit" is the commit
// point.
var crashSteps = []string{"one", "two", "commit", "after"}

type crashInput struct {
	Dir  string
	Fail string // the step that fails
	Wait string // the step that waits once
}

// handed is what the first step hands to the others; they cannot work, nor be
// undone, without it.
const handed = jobs.Output[string]("one")

func haveOutput(ctx context.Context, step string) error {
	if got, ok, err := handed.Get(ctx); step != "one" && (err != nil || !ok || got != "from the first") {
		return fmt.Errorf("%s has no output of the first: %q, %v, %w", step, got, ok, err)
	}
	return nil
}

var errFailed = &problem.Problem{Code: "no-luck", What: "it did not work", Next: []string{"try again"}}

func crashBuilder(_ context.Context, in crashInput) ([]jobs.Step, error) {
	steps := make([]jobs.Step, len(crashSteps))
	for i, name := range crashSteps {
		path := filepath.Join(in.Dir, name)
		steps[i] = jobs.Step{
			Name: name, Commit: name == "commit",
			Do: func(ctx context.Context, p appliance.Progress) error {
				p.Log("writing " + name)
				if name == "one" {
					if err := handed.Set(ctx, "from the first"); err != nil {
						return err
					}
				}
				if name == in.Fail {
					return errFailed
				}
				if name == in.Wait && waited.CompareAndSwap(false, true) {
					return jobs.WaitUntil(time.Now().Add(200 * time.Millisecond))
				}
				if name == in.Wait {
					calledAgain()
				}
				return errors.Join(haveOutput(ctx, name), os.WriteFile(path, nil, 0o600))
			},
			Undo: func(ctx context.Context) error {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				return haveOutput(ctx, name)
			},
		}
	}
	return steps, nil
}

// waited and calledAgain are for the process that is killed while a step that
// waited is called again.
var (
	waited      atomic.Bool
	calledAgain = func() {}
)

// soon is a Backoff for tests.
func soon(int) time.Duration { return 5 * time.Millisecond }

// start runs a Runner on the store at path until the test ends.
func start(t *testing.T, path string, d jobs.Deps) (*jobs.Runner, *store.Store) {
	t.Helper()
	return startWith(t, path, d, func(*jobs.Runner) {})
}

// startWith is start with more kinds of job.
func startWith(t *testing.T, path string, d jobs.Deps, register func(*jobs.Runner)) (*jobs.Runner, *store.Store) {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	d.Log, d.Backoff = slog.New(slog.DiscardHandler), soon
	if d.Journal == nil {
		d.Journal = s
	}
	r := jobs.New(d)
	r.Register("crash", jobs.Typed(crashBuilder))
	register(r)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- r.Run(ctx, ready) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return r, s
}

// TestMain is also the process that the crash test kills.
func TestMain(m *testing.M) {
	if at := os.Getenv("JOBS_CRASH_AT"); at != "" {
		crash(at)
		return
	}
	os.Exit(m.Run()) //nolint:forbidigo // this is main of the test binary
}

// crash runs the job, asks it to stop at one boundary, if that is named, and ends
// the process with SIGKILL at another.
func crash(at string) {
	stop, dir := os.Getenv("JOBS_STOP_AT"), os.Getenv("JOBS_CRASH_DIR")
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(dir, "db"))
	if err != nil {
		panic(err)
	}
	var r *jobs.Runner
	boundary := func(_ appliance.Change, step, phase string) {
		if step+":"+phase == stop {
			if err := r.Stop(ctx, 1); err != nil {
				panic(err)
			}
		}
		if step+":"+phase == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	calledAgain = func() { boundary("", os.Getenv("JOBS_WAIT_AT"), "called") }
	r = jobs.New(jobs.Deps{Journal: s, Log: slog.New(slog.DiscardHandler), Boundary: boundary})
	r.Register("crash", jobs.Typed(crashBuilder))
	ready := make(chan struct{})
	go func() { _ = r.Run(ctx, ready) }()
	<-ready
	job, err := r.Start(ctx, "crash", "thing", crashInput{Dir: filepath.Join(dir, "out"), Fail: os.Getenv("JOBS_FAIL_AT"), Wait: os.Getenv("JOBS_WAIT_AT")})
	if err != nil {
		panic(err)
	}
	for !job.State.Ended() { // also while it waits
		_ = r.Follow(ctx, job.ID, 0, func(appliance.JobEvent) error { return nil })
		job, _ = r.Job(ctx, job.ID)
	}
}

func TestRunner_survivesKillAtEveryBoundary(t *testing.T) {
	t.Parallel()
	for _, step := range crashSteps {
		for _, phase := range []string{"started", "did", "recorded"} {
			t.Run(step+":"+phase, func(t *testing.T) {
				t.Parallel()
				job, left := afterKill(t, "JOBS_CRASH_AT="+step+":"+phase)
				committed := step == "after" || step+":"+phase == "commit:recorded"
				if committed && (job.State != appliance.JobDone || len(left) != len(crashSteps)) {
					t.Errorf("after the commit point: %s with %d of %d effects", job.State, len(left), len(crashSteps))
				}
				if !committed && (job.State != appliance.JobUndone || len(left) != 0 || job.Problem == nil) {
					t.Errorf("before the commit point: %s with %d effects left, problem %v", job.State, len(left), job.Problem)
				}
			})
		}
	}
}

// afterKill runs the job in a process that is killed as the variables say, and
// returns what the next start makes of it, and which effects are left.
func afterKill(t *testing.T, variables ...string) (appliance.Job, []fs.DirEntry) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(append(os.Environ(), "JOBS_CRASH_DIR="+dir), variables...)
	said, err := child.CombinedOutput()
	if status, ok := errors.AsType[*exec.ExitError](err); !ok || status.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process was not killed: %v\n%s", err, said)
	}
	r, _ := start(t, filepath.Join(dir, "db"), jobs.Deps{})
	job := end(t, r, 1)
	left, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	return job, left
}

// TestRunner_keepsTheReasonOverACrash kills the process while it goes back.
func TestRunner_keepsTheReasonOverACrash(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"commit:failed", "commit:undid", "two:undid", "two:undone", "one:undone"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			job, left := afterKill(t, "JOBS_FAIL_AT=commit", "JOBS_CRASH_AT="+at)
			if job.State != appliance.JobUndone || !errors.Is(job.Problem, errFailed) || len(left) != 0 {
				t.Errorf("%s with %d effects left, problem %v", job.State, len(left), job.Problem)
			}
		})
	}
}

func TestRunner_undoesInReverseAndKeepsTheReason(t *testing.T) {
	t.Parallel()
	r, s := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	var undone []string
	r.Register("failing", func(context.Context, json.RawMessage) ([]jobs.Step, error) {
		step := func(name string, err error) jobs.Step {
			return jobs.Step{
				Name: name,
				Do:   func(context.Context, appliance.Progress) error { return err },
				Undo: func(context.Context) error { undone = append(undone, name); return nil },
			}
		}
		return []jobs.Step{step("a", nil), step("b", nil), step("c", errors.New("no luck")), step("d", nil)}, nil
	})
	job, err := r.Start(t.Context(), "failing", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	if err := r.Follow(t.Context(), job.ID, 0, func(ev appliance.JobEvent) error {
		if ev.State != "" || ev.End != "" {
			states = append(states, ev.Step+string(ev.State)+string(ev.End))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(undone); got != "[c b a]" {
		t.Errorf("undone %s; want [c b a]", got)
	}
	want := "[arunning adone brunning bdone crunning cbad bundone aundone undone]"
	if got := fmt.Sprint(states); got != want {
		t.Errorf("events\n%s; want\n%s", got, want)
	}
	ended, err := s.Job(t.Context(), job.ID)
	if err != nil || ended.State != appliance.JobUndone || ended.Problem == nil || ended.Problem.Code != "unexpected" {
		t.Errorf("job %+v, %v", ended, err)
	}
}

func TestRunner_oneJobPerSubject(t *testing.T) {
	t.Parallel()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	hold := make(chan struct{})
	r.Register("slow", func(context.Context, json.RawMessage) ([]jobs.Step, error) {
		return []jobs.Step{{Name: "wait", Do: func(ctx context.Context, _ appliance.Progress) error {
			<-hold
			return nil
		}}}, nil
	})
	first, err := r.Start(t.Context(), "slow", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start(t.Context(), "slow", "x", nil); !errors.Is(err, jobs.Busy(appliance.Job{Subject: "x"})) {
		t.Errorf("a second job for the same subject: %v", err)
	}
	if r.Exclusive(t.Context(), "x", func(context.Context) { t.Error("exclusive beside a job") }) {
		t.Error("exclusive was granted")
	}
	if _, err := r.Start(t.Context(), "slow", "y", nil); err != nil {
		t.Errorf("a job for another subject: %v", err)
	}
	close(hold)
	if err := r.Follow(t.Context(), first.ID, 0, func(appliance.JobEvent) error { return nil }); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 5*time.Second, "the subject is free again", func() bool { return r.Exclusive(t.Context(), "x", func(context.Context) {}) })
}

func TestRunner_whatIsAskedForGoesFirst(t *testing.T) {
	t.Parallel()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	inside, left := make(chan struct{}), make(chan struct{})
	var gone atomic.Bool
	go func() {
		defer close(left)
		r.Exclusive(t.Context(), "x", func(ctx context.Context) {
			close(inside)
			<-ctx.Done()
			gone.Store(true)
		})
	}()
	<-inside
	r.Register("quick", func(context.Context, json.RawMessage) ([]jobs.Step, error) {
		return []jobs.Step{{Name: "look", Do: func(context.Context, appliance.Progress) error {
			if !gone.Load() {
				return errors.New("the exclusive caller is still there")
			}
			return nil
		}}}, nil
	})
	job, err := r.Start(t.Context(), "quick", "x", nil)
	if err != nil {
		t.Fatalf("a person's change was refused: %v", err)
	}
	var end appliance.JobState
	if err := r.Follow(t.Context(), job.ID, 0, func(ev appliance.JobEvent) error { end = ev.End; return nil }); err != nil || end != appliance.JobDone {
		t.Errorf("job ended %q, %v", end, err)
	}
	<-left
}
