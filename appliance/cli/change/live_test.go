// SPDX-License-Identifier: AGPL-3.0-or-later

package change

import (
	"errors"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
	"coopkit/internal/term"
)

func TestLiveStep_line(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	later := func(d time.Duration) time.Time { return at.Add(d) }
	running := appliance.JobEvent{Time: at, State: appliance.StepRunning}
	for _, c := range []struct {
		name   string
		events []appliance.JobEvent
		width  int
		want   string
	}{
		{"to do", nil, 80, "· Build the images"},
		{"running", []appliance.JobEvent{running}, 80, "⠧ Build the images  2.0s"},
		{
			"with a share and a line of its log", []appliance.JobEvent{
				running, {Time: later(time.Second), Done: 1, Total: 4}, {Time: later(time.Second), Text: "unpacking\x1b[2J php"},
			}, 80, "⠧ Build the images  3.0s  25 %  unpacking[2J php",
		},
		{"cut to the terminal", []appliance.JobEvent{running, {Time: at, Text: "a long line of its log"}}, 30, "⠧ Build the images  2.0s  a l…"},
		{"done", []appliance.JobEvent{running, {Time: later(4 * time.Second), State: appliance.StepDone}}, 80, "✓ Build the images  4.0s"},
		{"failed", []appliance.JobEvent{running, {Time: later(time.Second), State: appliance.StepBad}}, 80, "✗ Build the images  1.0s"},
		{"put back", []appliance.JobEvent{running, {Time: at, State: appliance.StepDone}, {Time: at, State: appliance.StepUndone}}, 80, "↩ Build the images  put back"},
	} {
		s := &liveStep{title: "Build the images", state: appliance.StepTodo}
		here := time.Unix(1200, 0) // our clock is another one
		for _, e := range c.events {
			s.event(e, here)
		}
		if got := s.line(&term.Terminal{}, here.Add(2*time.Second+40*time.Millisecond), c.width); got != c.want {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}

func TestOutcome(t *testing.T) {
	cause := &problem.Problem{Code: "disk-full", Kind: problem.Conflict, What: "the disk is full", Next: []string{"make room"}}
	for _, c := range []struct {
		job  appliance.Job
		code string
		kind problem.Kind
		next int
	}{
		{appliance.Job{ID: 7, State: appliance.JobUndone, Problem: cause}, "disk-full", problem.Conflict, 2},
		{appliance.Job{ID: 7, State: appliance.JobFailed, Problem: cause}, "disk-full", problem.Partial, 2},
		{appliance.Job{ID: 7, State: appliance.JobFailed}, "job-failed", problem.Partial, 1},
	} {
		p, ok := errors.AsType[*problem.Problem](outcome(c.job))
		if !ok || p.Code != c.code || p.Kind != c.kind || len(p.Next) != c.next {
			t.Errorf("%+v gives %+v", c.job, p)
		}
	}
	if err := outcome(appliance.Job{State: appliance.JobDone}); err != nil {
		t.Error(err)
	}
	if len(cause.Next) != 1 || cause.Kind != problem.Conflict {
		t.Errorf("the job's own problem was changed: %+v", cause)
	}
}
