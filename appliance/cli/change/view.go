// SPDX-License-Identifier: AGPL-3.0-or-later

package change

import (
	"fmt"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/say"
	"coopkit/internal/term"
)

// view shows a job while it runs.
type view interface {
	event(appliance.JobEvent) error
	// away says that the agent has gone, and is waited for.
	away() error
	// end takes the job as it ended, or the zero Job if nobody knows.
	end(appliance.Job) error
}

func newView(env *base.Env, job appliance.Job) (view, error) {
	switch {
	case env.JSON:
		return quiet{}, nil
	case env.Live():
		return newLive(env, job)
	default:
		return &plain{env: env, job: job}, nil
	}
}

type quiet struct{}

func (quiet) event(appliance.JobEvent) error { return nil }
func (quiet) away() error                    { return nil }
func (quiet) end(appliance.Job) error        { return nil }

// waiting is what a person reads who would wonder why nothing happens.
func waiting() string {
	return fmt.Sprintf("The agent has gone. Jobs outlive its restart: waiting up to %d seconds for it.\n", comeBackTries*int(comeBackWait/time.Second))
}

// newsEvery is how long a step may be silent in logs and pipes while it works.
const newsEvery = 10 * time.Second

// plain writes a line whenever a step changes its state, and what a long step
// is at every newsEvery: for logs and pipes.
type plain struct {
	env  *base.Env
	job  appliance.Job
	tail tail
	said time.Time // of the last line, by the agent's clock
}

func (p *plain) event(e appliance.JobEvent) error {
	p.tail.event(e)
	what := ""
	switch e.State {
	case appliance.StepRunning:
	case appliance.StepDone:
		what = " done"
		if e.Text != "" {
			what += ": " + term.Clean(e.Text)
		}
	case appliance.StepBad:
		what = " failed"
	case appliance.StepUndone:
		what = " put back"
	default:
		if e.Text == "" || e.Time.Sub(p.said) < newsEvery {
			return nil
		}
		what = " " + term.Clean(e.Text)
	}
	p.said = e.Time
	return p.env.Say("[%6s] %s …%s\n", seconds(e.Time.Sub(p.job.Created)), title(p.env, p.job, e.Step), what)
}

func (p *plain) away() error { return p.env.Say("%s", waiting()) }

func (p *plain) end(j appliance.Job) error { return p.tail.show(p.env, j) }

// title is what the step does, or its name in a job that has grown since.
func title(env *base.Env, j appliance.Job, step string) string {
	for _, s := range j.Steps {
		if s.Name == step {
			return term.Clean(say.Step(env.Words(), s))
		}
	}
	return term.Clean(step)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", max(d, 0).Seconds()) }

// tail keeps the last lines of the step that runs, to show them if it fails.
type tail struct {
	step, bad string
	lines     []string
}

const tailLines = 10

func (t *tail) event(e appliance.JobEvent) {
	if t.bad != "" {
		return
	}
	if e.Step != t.step {
		t.step, t.lines = e.Step, nil
	}
	if e.Text != "" {
		t.lines = append(t.lines, term.Clean(e.Text))
		t.lines = t.lines[max(0, len(t.lines)-tailLines):]
	}
	if e.State == appliance.StepBad {
		t.bad = e.Step
	}
}

func (t *tail) show(env *base.Env, j appliance.Job) error {
	if t.bad == "" || len(t.lines) == 0 {
		return nil
	}
	if err := env.Say("last lines of “%s”:\n", title(env, j, t.bad)); err != nil {
		return err
	}
	for _, l := range t.lines {
		if err := env.Say("  %s\n", l); err != nil {
			return err
		}
	}
	return nil
}
