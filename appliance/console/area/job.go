// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"html/template"

	"coopkit/appliance"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// JobPill is the state of a job in a word.
func JobPill(p *webkit.Page, state appliance.JobState) webkit.Pill {
	pill := webkit.Pill{Text: p.T("area.jobstate." + string(state))}
	switch state {
	case appliance.JobRunning, appliance.JobWaiting:
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

// JobSteps are the steps of a job as the template "steps" shows them.
func JobSteps(p *webkit.Page, job appliance.Job) []webkit.Step {
	steps := make([]webkit.Step, len(job.Steps))
	for i, s := range job.Steps {
		v := webkit.Step{Name: say.Step(p.Locale, s), Took: took(p, s)}
		v.Kind, v.Icon = stepKind(s.State)
		v.Word = p.T("area.stepstate." + v.Kind)
		if s.State == appliance.StepBad && job.Problem != nil {
			v.Fact, _, _ = webkit.Explain(p.Locale, job.Problem)
		}
		if s.State == appliance.StepDone {
			v.Fact = say.Fact(p.Locale, s)
		}
		for _, n := range s.Notes {
			if n.Code.IsFact() {
				continue
			}
			v.Notes = append(v.Notes, say.Note(p.Locale, n))
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

// took is how long a step ran.
func took(p *webkit.Page, s appliance.JobStep) template.HTML {
	d := s.Finished.Sub(s.Started)
	if s.Finished.IsZero() || s.Started.IsZero() {
		return ""
	}
	return template.HTML(template.HTMLEscapeString(p.Span(d))) //nolint:gosec // escaped
}
