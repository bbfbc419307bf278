// SPDX-License-Identifier: AGPL-3.0-or-later

package change

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/say"
	"coopkit/internal/term"
)

const redraw = 120 * time.Millisecond

var spinner = []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

// live draws the list of steps over itself on a terminal.
type live struct {
	env  *base.Env
	bars *mpb.Progress
	all  []*mpb.Bar

	mu    sync.Mutex // the bars draw from a goroutine of their own
	job   appliance.Job
	steps map[string]*liveStep
	tail  tail
}

// liveStep is what a step's line shows. Times are the agent's, so that clocks
// need not agree; seen is ours, to count on from.
type liveStep struct {
	title       string
	state       appliance.StepState
	began, seen time.Time
	took        time.Duration
	done, total int64
	text        string
}

func newLive(env *base.Env, job appliance.Job) (*live, error) {
	v := &live{
		env: env, job: job, steps: map[string]*liveStep{},
		bars: mpb.New(mpb.WithOutput(env.Out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(redraw)),
	}
	for _, s := range job.Steps {
		step := &liveStep{title: term.Clean(say.Step(env.Words(), s)), state: appliance.StepTodo}
		v.steps[s.Name] = step
		bar, err := v.bars.Add(1, v.filler(step))
		if err != nil {
			return nil, fmt.Errorf("show step: %w", err)
		}
		v.all = append(v.all, bar)
	}
	return v, nil
}

func (v *live) filler(s *liveStep) mpb.BarFiller {
	return mpb.BarFillerFunc(func(w io.Writer, st decor.Statistics) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		_, err := io.WriteString(w, s.line(v.env.Terminal, time.Now(), st.AvailableWidth))
		return err
	})
}

func (v *live) event(e appliance.JobEvent) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tail.event(e)
	if s := v.steps[e.Step]; s != nil {
		s.event(e, time.Now())
	}
	return nil
}

func (s *liveStep) event(e appliance.JobEvent, now time.Time) {
	switch e.State {
	case appliance.StepRunning:
		s.began, s.done, s.total, s.text = e.Time, 0, 0, ""
	case appliance.StepDone, appliance.StepBad, appliance.StepUndone:
		if !s.began.IsZero() {
			s.took = e.Time.Sub(s.began)
		}
	case appliance.StepTodo:
	}
	if e.State != "" {
		s.state = e.State
	}
	if e.Total > 0 || e.Done > 0 {
		s.done, s.total = e.Done, e.Total
	}
	if e.Text != "" {
		s.text = term.Clean(e.Text)
	}
	s.seen = now
	if s.state == appliance.StepRunning {
		s.took = e.Time.Sub(s.began)
	}
}

func (v *live) away() error {
	_, err := io.WriteString(v.bars, waiting()) // above the steps
	return err
}

func (v *live) end(j appliance.Job) error {
	for _, b := range v.all {
		b.Abort(false) // ends the drawing; the last line stays
	}
	v.bars.Wait()
	return v.tail.show(v.env, j)
}

// line draws the step, cut to width columns.
func (s *liveStep) line(t *term.Terminal, now time.Time, width int) string {
	sign, style := " ", term.Dim
	switch s.state {
	case appliance.StepTodo:
		sign = "·"
	case appliance.StepRunning:
		sign, style = string(spinner[int(now.UnixMilli()/redraw.Milliseconds())%len(spinner)]), term.Bold
	case appliance.StepDone:
		sign, style = "✓", term.Green
	case appliance.StepBad:
		sign, style = "✗", term.Red
	case appliance.StepUndone:
		sign, style = "↩", term.Yellow
	}
	return t.Paint(style, sign) + cut(" "+s.title+s.facts(now), width-1)
}

// facts is what follows the title: time, share, last line of the log.
func (s *liveStep) facts(now time.Time) string {
	var b strings.Builder
	switch s.state {
	case appliance.StepTodo:
		return ""
	case appliance.StepRunning:
		fmt.Fprintf(&b, "  %s", seconds(s.took+now.Sub(s.seen)))
		if s.total > 0 {
			fmt.Fprintf(&b, "  %d %%", min(100, 100*s.done/s.total))
		}
		if s.text != "" {
			b.WriteString("  " + s.text)
		}
	case appliance.StepUndone:
		fmt.Fprintf(&b, "  put back")
	default:
		fmt.Fprintf(&b, "  %s", seconds(s.took))
	}
	return b.String()
}

func cut(s string, width int) string {
	r := []rune(s)
	if width <= 0 || len(r) <= width {
		return s
	}
	return string(r[:width-1]) + "…"
}
