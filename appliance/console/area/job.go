// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"html/template"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/webkit"
)

// JobTitle says a job in one sentence of the page's language, by its kind,
// subject and state: "Adding wordpress", "Removed the site demo.coop".
func JobTitle(p *webkit.Page, job appliance.Job) string {
	key := "area.job." + job.Kind + "." + string(job.State)
	if !p.Has(key) {
		key = "area.job.other." + string(job.State)
	}
	return p.T(key, "name", SubjectName(job.Subject), "kind", job.Kind)
}

// JobPill is the state of a job in a word.
func JobPill(p *webkit.Page, state appliance.JobState) webkit.Pill {
	pill := webkit.Pill{Text: p.T("area.jobstate." + string(state))}
	switch state {
	case appliance.JobRunning:
		pill.Kind, pill.Icon = "note", "clock"
	case appliance.JobDone:
		pill.Kind, pill.Icon = "ok", "okc"
	case appliance.JobUndone:
		pill.Kind, pill.Icon = "warn", "undo"
	default:
		pill.Kind, pill.Icon = "crit", "oct"
	}
	return pill
}

// StepName says what a step of a job does, by the kind of the job and the
// step's name; a step that no message knows has its own title.
func StepName(p *webkit.Page, kind string, step appliance.JobStep) string {
	if key := "area.step." + kind + "." + step.Name; p.Has(key) {
		return p.T(key)
	}
	if key := "area.step." + step.Name; p.Has(key) {
		return p.T(key)
	}
	if service, ok := strings.CutPrefix(step.Name, "start-"); ok {
		return p.T("area.step.start-service", "service", service)
	}
	return step.Title
}

// JobSteps are the steps of a job as the template "steps" shows them.
func JobSteps(p *webkit.Page, job appliance.Job) []webkit.Step {
	steps := make([]webkit.Step, len(job.Steps))
	for i, s := range job.Steps {
		v := webkit.Step{Name: StepName(p, job.Kind, s), Took: took(p, s)}
		v.Kind, v.Icon = stepKind(s.State)
		v.Word = p.T("area.stepstate." + v.Kind)
		if s.State == appliance.StepBad && job.Problem != nil {
			v.Fact, _, _ = webkit.Explain(p.Locale, job.Problem)
		}
		steps[i] = v
	}
	return steps
}

func stepKind(s appliance.StepState) (kind, icon string) {
	switch s {
	case appliance.StepRunning:
		return "now", ""
	case appliance.StepDone:
		return "done", "check"
	case appliance.StepBad:
		return "bad", "x"
	case appliance.StepUndone:
		return "back", "undo"
	default:
		return "todo", ""
	}
}

// took is how long a step ran; nothing for less than a second.
func took(p *webkit.Page, s appliance.JobStep) template.HTML {
	d := s.Finished.Sub(s.Started)
	if s.Finished.IsZero() || s.Started.IsZero() || d < time.Second {
		return ""
	}
	return template.HTML(template.HTMLEscapeString(p.Span(d))) //nolint:gosec // escaped
}
