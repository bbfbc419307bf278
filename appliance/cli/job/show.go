// SPDX-License-Identifier: AGPL-3.0-or-later

package job

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
	"coopkit/appliance/say"
	"coopkit/internal/term"
)

func newShow(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "show <id>", Short: "Show one job with its steps",
		Example:           "  coopkit job show 7",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Jobs(env),
		RunE: ofJob(func(ctx context.Context, id appliance.JobID) error {
			j, err := env.Agent().Jobs.Job(ctx, id)
			if err != nil {
				return err
			}
			return env.Show(j, func() error { return show(env, j) })
		}),
	}
}

func show(env *base.Env, j appliance.Job) error {
	pairs := []string{
		"job", fmt.Sprint(j.ID), "change", say.Job(env.Words(), j), "by", say.By(env.Words(), j.By), "kind", string(j.Kind), "subject", j.Subject, "state", state(j),
		"began", term.Time(j.Created), "took", took(j),
	}
	if j.State == appliance.JobWaiting {
		pairs = append(pairs, "until", term.Time(j.Until))
	}
	if p := j.Problem; p != nil {
		pairs = append(pairs, "problem", p.What, "why", p.Why, "next", strings.Join(p.Next, "; "))
	}
	if err := env.Facts(pairs...); err != nil {
		return err
	}
	if err := env.Say("\n"); err != nil {
		return err
	}
	rows := make([][]string, 0, len(j.Steps))
	var notes strings.Builder
	for _, s := range j.Steps {
		rows = append(rows, []string{say.Step(env.Words(), s), string(s.State), stepTook(s), cmp.Or(say.Fact(env.Words(), s), s.Detail)})
		for _, n := range s.Notes {
			if n.Code.IsFact() {
				continue
			}
			notes.WriteString(change.Note(env.Words(), "note", n))
		}
	}
	if err := env.Table([]string{"step", "state", "took", "detail"}, rows, "It has no steps."); err != nil || notes.Len() == 0 {
		return err
	}
	return env.Say("\n%s", notes.String())
}

func stepTook(s appliance.JobStep) string {
	if s.Started.IsZero() || s.Finished.IsZero() {
		return ""
	}
	if d := s.Finished.Sub(s.Started); d >= time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return "< 1s"
}
