// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"errors"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// view is a job as the live part of its page shows it.
type view struct {
	*webkit.Page
	Number  appliance.JobID
	Job     appliance.Job
	Steps   []webkit.Step
	Bar     webkit.Meter
	Running bool            // it has not ended
	Live    bool            // it is at work, so that the page follows it
	Stop    []webkit.Action // while it can still go back, or waits for a person
	Result  *webkit.Finding // why it did not end well, or what holds it up
	Actions []webkit.Action // what to do next, once it has ended
}

// progress is how far the step that runs is.
type progress struct {
	step        string
	done, total int64
}

func (g *progress) take(e appliance.JobEvent) {
	switch {
	case e.Step != g.step:
		*g = progress{step: e.Step, done: e.Done, total: e.Total}
	case e.Total > 0:
		g.done, g.total = e.Done, e.Total
	}
}

// share is how much of the step is done, 0 when that is not known.
func (g progress) share(step string) float64 {
	if g.step != step || g.total <= 0 {
		return 0
	}
	return min(max(float64(g.done)/float64(g.total), 0), 1)
}

// newView says a job in the language of the page, whose title and lead become
// the job's.
func newView(p *webkit.Page, j appliance.Job, g progress) view {
	v := view{Page: p, Number: j.ID, Job: j, Steps: area.JobSteps(p, j), Running: !j.State.Ended(), Live: j.State == appliance.JobRunning}
	text := say.Job(p.Locale, j)
	p.Heading, p.Title = text, text
	at, passed := len(j.Steps), 0.0
	for i, s := range j.Steps {
		switch s.State {
		case appliance.StepDone:
			passed++
		case appliance.StepRunning:
			at = i
			passed += g.share(s.Name)
			v.Steps[i].Fact = fact(p, s, g)
		default: // to come, or gone back
		}
	}
	if j.State == appliance.JobWaiting || j.HeldUp {
		text := p.T("jobs.finish")
		if j.HeldUp {
			text = p.T("jobs.again")
		}
		v.Stop = []webkit.Action{{Text: text, Href: path(j.ID) + "/finish", Kind: "go", Icon: "check", Post: true}}
	}
	if j.HeldUp {
		v.Result = explained(p, j, "warning")
	}
	if j.Stoppable {
		v.Stop = append(v.Stop, webkit.Action{Text: p.T("jobs.stop"), Href: path(j.ID) + "/stop", Kind: "risk", Icon: "undo", Post: true})
	}
	v.lead(at)
	v.Bar = webkit.Meter{Label: p.Lead, Percent: int(100 * passed / float64(max(len(j.Steps), 1)))}
	if j.State == appliance.JobDone {
		v.Bar.Percent = 100
	}
	return v
}

// lead sums the job up in a sentence; at is the step that runs.
func (v *view) lead(at int) {
	p, j := v.Page, v.Job
	switch j.State {
	case appliance.JobWaiting:
		p.Lead = p.T("jobs.lead.waiting", "until", p.DateTime(j.Until.Local()))
	case appliance.JobRunning:
		p.Lead = p.T("jobs.lead.between")
		if j.HeldUp {
			p.Lead = p.T("jobs.lead.held")
		} else if at < len(j.Steps) {
			p.Lead = p.T("jobs.lead.step", "n", at+1, "of", len(j.Steps), "step", v.Steps[at].Name)
			p.Title = p.T("jobs.title.step", "n", at+1, "of", len(j.Steps), "title", p.Heading)
		} else if has(j, appliance.StepBad) {
			p.Lead = p.T("jobs.lead.undoing")
		} else if has(j, appliance.StepUndone) {
			p.Lead = p.T("jobs.lead.stopping")
		}
	case appliance.JobDone:
		p.Lead = p.T("jobs.lead.done", "span", took(p, j))
	case appliance.JobUndone:
		p.Lead = p.T("jobs.lead.undone")
		if wasStopped(j) {
			p.Lead = p.T("jobs.lead.stopped")
		}
	default:
		p.Lead = p.T("jobs.lead.failed")
	}
}

func has(j appliance.Job, state appliance.StepState) bool {
	return slices.ContainsFunc(j.Steps, func(s appliance.JobStep) bool { return s.State == state })
}

// wasStopped reports whether the job went back because a person asked for it,
// which needs no explanation.
func wasStopped(j appliance.Job) bool {
	return j.State == appliance.JobUndone && errors.Is(j.Problem, &problem.Problem{Code: "job-stopped"})
}

// fact is one line about the step that runs.
func fact(p *webkit.Page, s appliance.JobStep, g progress) string {
	since := p.Now.Sub(s.Started)
	if since < time.Second {
		return ""
	}
	span := p.Span(since)
	if share := g.share(s.Name); share > 0 {
		return p.T("jobs.fact.share", "percent", p.Percent(share), "span", span)
	}
	return p.T("jobs.fact.since", "span", span)
}

// finish adds what stands below a job that has ended: why it did not work, and
// where to go.
func (v *view) finish(app string) {
	p, j := v.Page, v.Job
	if v.Running {
		return
	}
	kind, name, _ := strings.Cut(j.Subject, ":")
	if j.State != appliance.JobDone && j.Problem != nil && !wasStopped(j) {
		v.Result = explained(p, j, map[appliance.JobState]string{appliance.JobUndone: "warning", appliance.JobFailed: "critical"}[j.State])
	}
	there := j.State == appliance.JobDone && !strings.HasPrefix(string(j.Kind), "remove") || j.State != appliance.JobDone && j.Kind != appliance.ChangeAdd
	switch {
	case kind == "app" && j.Kind == appliance.ChangeAdd && j.State != appliance.JobDone:
		v.Actions = []webkit.Action{{Text: p.T("jobs.next.catalogue"), Href: "/catalogue", Kind: "go"}}
	case kind == "app" && j.Kind == appliance.ChangeAdd:
		v.Actions = []webkit.Action{
			{Text: p.T("jobs.next.signin"), Href: "/apps/" + name + "/signin", Kind: "go", Icon: "key", Post: true},
			{Text: p.T("jobs.next.open"), Href: app, Icon: "out", Outside: true},
		}
		if app == "" {
			v.Actions = v.Actions[:1]
		}
	case j.Kind == appliance.ChangeExport && j.State == appliance.JobDone:
		v.Actions = []webkit.Action{{Text: p.T("jobs.next.copy"), Href: "/apps/" + name + "/copy", Kind: "go", Icon: "down"}}
	case kind == "app" && there && j.Kind != "recipe-test":
		v.Actions = []webkit.Action{{Text: p.T("jobs.next.app", "name", say.About(j)), Href: "/apps/" + name, Kind: "go"}}
	case kind == "app":
		v.Actions = []webkit.Action{{Text: p.T("jobs.next.apps"), Href: "/apps", Kind: "go"}}
	case kind == "site" && there:
		v.Actions = []webkit.Action{{Text: p.T("jobs.next.site", "name", name), Href: "/sites/" + name, Kind: "go"}}
	case kind == "site":
		v.Actions = []webkit.Action{{Text: p.T("jobs.next.sites"), Href: "/sites", Kind: "go"}}
	case kind == "zone" && there:
		v.Actions = []webkit.Action{{Text: p.T("jobs.next.name", "name", name), Href: "/names/" + name, Kind: "go"}}
	case kind == "zone" || kind == "redirect":
		v.Actions = []webkit.Action{{Text: p.T("jobs.next.names"), Href: "/names", Kind: "go"}}
	default:
		v.Actions = []webkit.Action{{Text: p.T("jobs.next.activity"), Href: "/activity"}}
	}
}

// explained is the problem of a job as a card.
func explained(p *webkit.Page, j appliance.Job, severity string) *webkit.Finding {
	f := p.FindingCard(severity, j.Problem.Code, "")
	what, why, next := webkit.Explain(p.Locale, j.Problem)
	f.Title, f.Code = what, ""
	f.Say(p, "", why, next)
	return &f
}

// By is who asked for the job; empty where that is not known.
func (v view) By() string { return say.By(v.Locale, v.Job.By) }

// State is how the job ended, in a word.
func (v view) State() webkit.Pill { return area.JobPill(v.Page, v.Job.State) }

// Took is how long the job ran.
func (v view) Took() string { return took(v.Page, v.Job) }
