// SPDX-License-Identifier: AGPL-3.0-or-later

package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// lookEvery is how often a wait looks. The engine has nothing to compute for
// it, and half of it is added to the start of every app.
const lookEvery = 100 * time.Millisecond

// crashLoop is how many restarts during one wait mean that it will not come up.
const crashLoop = 5

// oneShotLimit is how long a service that runs to completion may take: some
// migrate a database.
const oneShotLimit = 20 * time.Minute

// wait is the step that waits for a condition of depends_on.
type wait struct {
	Install   appliance.InstallName
	Service   string
	Condition recipes.Condition
	Limit     time.Duration
}

func (w wait) Name() string {
	if w.Condition == recipes.CompletedSuccessfully {
		return "wait-" + w.Service + "-completed"
	}
	return "wait-" + w.Service + "-healthy"
}

func (w wait) Describe() appliance.Line {
	kind := appliance.KindContainer
	if w.Condition == recipes.CompletedSuccessfully {
		kind = appliance.KindTask
	}
	return appliance.Line{Verb: appliance.VerbWait, Kind: kind, Name: w.Service}
}

// Do looks until the condition is true or cannot become true any more. A
// failure is a Problem with the service's last log lines.
func (w wait) Do(ctx context.Context, e Engine, _ appliance.Progress) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	limit := time.NewTimer(w.Limit)
	defer limit.Stop()
	for first := -1; ; {
		have, err := e.Observe(ctx, w.Install)
		if err != nil {
			return err
		}
		c, ok := find(have, w.Service)
		if first < 0 || c.Restarts < first { // the engine counts from 0 again after a manual start
			first = c.Restarts
		}
		if met, failed := w.verdict(c, ok, c.Restarts-first); failed != nil {
			return w.withLog(ctx, e, failed)
		} else if met {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit.C:
			why := "it runs, but its health check does not pass yet"
			if w.Condition == recipes.CompletedSuccessfully {
				why = "its work is not done yet"
			}
			return w.withLog(ctx, e, &problem.Problem{
				Code: "service-not-ready",
				What: fmt.Sprintf("%s of %s was not ready after %v", w.Service, w.Install, w.Limit),
				Why:  why,
				Args: w.args(),
			})
		}
	}
}

func find(have Observed, service string) (Container, bool) {
	i := slices.IndexFunc(have.Containers, func(c Container) bool { return c.Service == service })
	if i < 0 {
		return Container{}, false
	}
	return have.Containers[i], true
}

// verdict says whether the condition is met, or why it cannot be any more.
func (w wait) verdict(c Container, exists bool, restarts int) (met bool, failed *problem.Problem) {
	ended := c.State == Exited || c.State == Dead
	switch {
	case !exists:
		return false, w.failed("its container was removed while we waited for it")
	case c.OOMKilled && (ended || c.State == Restarting):
		return false, &problem.Problem{
			Code: "service-out-of-memory",
			What: fmt.Sprintf("%s of %s was stopped because it used more memory than it may", w.Service, w.Install),
			Why:  "it reached its limit, or the machine has too little memory",
			Args: w.args(),
		}
	case w.Condition == recipes.CompletedSuccessfully:
		if ended && c.ExitCode != 0 {
			return false, w.failed(fmt.Sprintf("it ended with exit code %d", c.ExitCode))
		}
		return ended, nil
	case ended:
		return false, w.failed(fmt.Sprintf("it ended with exit code %d", c.ExitCode))
	case restarts >= crashLoop:
		return false, w.failed(fmt.Sprintf("it ended and was started again %d times", restarts))
	case c.Health == "unhealthy":
		return false, w.unhealthy("its own health check fails")
	case c.State == Running && c.Health == "":
		return false, w.unhealthy("it has no health check to wait for")
	}
	return c.State == Running && c.Health == "healthy", nil
}

// args are the names in the sentences of a Problem.
func (w wait) args() map[string]string {
	return map[string]string{"service": w.Service, "app": string(w.Install)}
}

func (w wait) failed(why string) *problem.Problem {
	return &problem.Problem{Code: "service-failed", What: fmt.Sprintf("%s of %s did not start", w.Service, w.Install), Why: why, Args: w.args()}
}

func (w wait) unhealthy(why string) *problem.Problem {
	return &problem.Problem{Code: "service-unhealthy", What: fmt.Sprintf("%s of %s does not work", w.Service, w.Install), Why: why, Args: w.args()}
}

// lastWords is how much of a failing service's log a Problem carries.
const (
	lastWords   = 8
	longestWord = 200
)

// withLog adds the last log lines and what to do next.
func (w wait) withLog(ctx context.Context, e Engine, p *problem.Problem) error {
	p.Next = []string{
		fmt.Sprintf("coopkit app logs %s", w.Install),
		"free -m, to see whether the machine has memory left",
		"ask your IT co-op, with these lines",
	}
	var buf bytes.Buffer
	err := e.Logs(ctx, w.Install, LogOptions{Service: w.Service, Tail: lastWords}, &buf)
	if err != nil {
		p.Err = errors.Join(p.Err, err)
		return p
	}
	lines := strings.Split(strings.TrimSpace(buf.String()), "\n")
	for i, l := range lines {
		if r := []rune(l); len(r) > longestWord {
			lines[i] = string(r[:longestWord]) + "…"
		}
	}
	if buf.Len() > 0 {
		p.Why += "; its last words were:\n" + strings.Join(lines, "\n")
	}
	return p
}

// limit is how long a condition may take: as long as the service's own health
// check needs to say no, and a minute for a slow machine.
func limit(s Service, cond recipes.Condition) time.Duration {
	if cond == recipes.CompletedSuccessfully {
		return oneShotLimit
	}
	h := recipes.HealthCheck{}
	if s.Health != nil {
		h = *s.Health
	}
	interval, timeout, retries := h.Interval, h.Timeout, h.Retries
	if interval == 0 {
		interval = 30 * time.Second // the engine's defaults
	}
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	if retries == 0 {
		retries = 3
	}
	return h.StartPeriod + time.Duration(retries+1)*(interval+timeout) + time.Minute
}
