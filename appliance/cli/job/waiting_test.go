// SPDX-License-Identifier: AGPL-3.0-or-later

package job

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
	"coopkit/internal/term"
)

// single is the one job of a box, as it is now.
type single struct {
	control.Jobs
	job      appliance.Job
	finished bool
}

func (s *single) List(context.Context, int) ([]appliance.Job, error) {
	return []appliance.Job{s.job}, nil
}

func (s *single) Job(context.Context, appliance.JobID) (appliance.Job, error) { return s.job, nil }

func (s *single) Finish(context.Context, appliance.JobID) error {
	s.finished, s.job.State, s.job.Until = true, appliance.JobDone, time.Time{}
	return nil
}

func (s *single) Follow(context.Context, appliance.JobID, int64, func(appliance.JobEvent) error) error {
	if s.job.HeldUp {
		return &problem.Problem{Code: "job-held-up", What: "job 7 is held up", Next: []string{"make room"}}
	}
	return nil
}

// command runs a command about the job.
func command(t *testing.T, s *single, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	env := base.New(strings.NewReader(""), &out, &out, func(string) string { return "" })
	env.Agent = func() control.Agent { return control.Agent{Jobs: s} }
	cmd := New(env)
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestJob_thatWaits(t *testing.T) {
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	s := &single{job: appliance.Job{ID: 7, Kind: appliance.ChangeAdd, Subject: "app:wiki", State: appliance.JobWaiting, Until: until}}
	for verb, want := range map[string][]string{
		"list":   {"waiting"},
		"show":   {"waiting", "until", term.Time(until)},
		"follow": {"Job 7 waits until " + term.Time(until), "coopkit job finish 7", "coopkit job stop 7"},
	} {
		args := []string{verb, "7"}
		if verb == "list" {
			args = args[:1]
		}
		out, err := command(t, s, args...)
		for _, w := range want {
			if err != nil || !strings.Contains(out, w) {
				t.Errorf("%s: no %q in %q, %v", verb, w, out, err)
			}
		}
	}
	if out, err := command(t, s, "finish", "7"); err != nil || !s.finished || !strings.Contains(out, "Job 7 is done") {
		t.Errorf("finish: %q, %v", out, err)
	}
}

func TestJob_thatIsHeldUp(t *testing.T) {
	s := &single{job: appliance.Job{
		ID: 7, Kind: appliance.ChangeAdd, Subject: "app:wiki", State: appliance.JobRunning, HeldUp: true,
		Problem: &problem.Problem{Code: "disk-full", What: "the disk is full", Next: []string{"make room"}},
	}}
	if out, err := command(t, s, "list"); err != nil || !strings.Contains(out, "running (held up)") {
		t.Errorf("list: %q, %v", out, err)
	}
	if out, err := command(t, s, "show", "7"); err != nil || !strings.Contains(out, "the disk is full") {
		t.Errorf("show: %q, %v", out, err)
	}
	if _, err := command(t, s, "follow", "7"); err == nil || !strings.Contains(err.Error(), "held up") {
		t.Errorf("follow: %v", err)
	}
}
