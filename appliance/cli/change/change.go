// SPDX-License-Identifier: AGPL-3.0-or-later

// Package change owns the five beats of every changing command: show the plan,
// confirm, apply, follow, say what came of it. It knows nothing of apps, sites
// or names. Its tests are the CLI's scripts, and tables for the lines it draws.
package change

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/say"
	"coopkit/internal/locale"
	"coopkit/internal/problem"
	"coopkit/internal/term"
)

// Change is one change to the box, as a command asks for it.
type Change struct {
	// Plan asks what it would do; nil for what needs no consent.
	Plan func(context.Context) (appliance.Plan, error)
	// Start starts it, if the plan is still the one with that hash.
	Start func(ctx context.Context, hash string) (appliance.Job, error)
	// Done says to people what came of it and what to do next; it may be nil.
	Done func(ctx context.Context, ended appliance.Job) error
	// Yes is set when the person has agreed already.
	Yes bool
}

// Run does it. With --json it writes the job as it ended, and nothing else.
func (c Change) Run(ctx context.Context, env *base.Env) error {
	hash := ""
	if c.Plan != nil {
		plan, err := c.Plan(ctx)
		if err != nil {
			return err
		}
		if err := Agree(ctx, env, plan, c.Yes); err != nil {
			return err
		}
		hash = plan.Hash
	}
	job, err := c.Start(ctx, hash)
	if err != nil {
		return err
	}
	return Follow(ctx, env, job.ID, c.Done)
}

// Agree shows a plan and asks, unless yes is set already. Errors are those of
// term.Terminal.Confirm. Commands whose change is no job use it by itself.
func Agree(ctx context.Context, env *base.Env, p appliance.Plan, yes bool) error {
	if err := showPlan(env, p); err != nil {
		return err
	}
	return env.Confirm(ctx, yes)
}

// showPlan shows a plan, in the words that the console has too, and marks what
// destroys data.
func showPlan(env *base.Env, p appliance.Plan) error {
	words := env.Words()
	var b strings.Builder
	b.WriteString(env.Paint(term.Bold, term.Clean(say.Title(words, p))) + "\n\n")
	for i, s := range p.Steps {
		text := term.Clean(say.Step(words, appliance.JobStep{Code: s.Code, Args: s.Args}))
		fmt.Fprintf(&b, "%3d. %s", i+1, text)
		b.WriteString(env.Paint(term.Dim, " ("+say.Label(words, "fails", "what", say.Fails(words, s.Fails))+")") + "\n")
	}
	if len(p.Steps) > 0 {
		b.WriteString("\n")
	}
	for _, l := range p.Lines {
		if text := term.Clean(say.Line(words, l)); l.Destructive {
			b.WriteString(env.Paint(term.Red, "! "+text) + "\n")
		} else {
			b.WriteString("  " + text + "\n")
		}
	}
	b.WriteString("\n")
	if slices.ContainsFunc(p.Lines, func(l appliance.Line) bool { return l.Destructive }) {
		b.WriteString(env.Paint(term.Red, "! "+say.Label(words, "destroys")) + "\n")
	}
	for _, n := range p.Notes {
		b.WriteString(Note(words, "note", n))
	}
	return env.Say("%s%s\n", b.String(), Note(words, "back", p.WayBack))
}

// Note says a note in a line that begins with a label, with the command that
// does it.
func Note(words *locale.Locale, label string, n appliance.Note) string {
	text := say.Label(words, label) + ": " + say.Note(words, n)
	if n.Command != "" {
		text = strings.TrimSuffix(text, ".") + ": " + n.Command
	}
	return term.Clean(text) + "\n"
}

// outcome is the error of a job that has ended: nil if it ended well.
func outcome(j appliance.Job) error {
	if j.State == appliance.JobDone {
		return nil
	}
	p := problem.Problem{Code: "job-failed", Kind: problem.Failed, What: "the change did not work"}
	if j.Problem != nil {
		p = *j.Problem
	}
	show := "coopkit job show " + id(j.ID)
	hint := "everything was put back; the steps: " + show
	if j.State == appliance.JobFailed {
		p.Kind = problem.Partial
		hint = "not everything could be put back; see what is left: " + show
	}
	p.Next = append(slices.Clone(p.Next), hint)
	return &p
}
