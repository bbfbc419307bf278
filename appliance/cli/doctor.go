// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/say"
	"coopkit/internal/term"
)

const doctorCodes = `Exit codes:
  0    all is well, or there are only notices
  1    something critical, or the checks could not run
  2    the command is wrong
  3    warnings: it will break if nobody acts
  4    not allowed
  5    the agent does not answer
  130  interrupted`

func newDoctor(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check the health of this box",
		Long: "Runs every health check and shows what they found, worst first: what it means, why, what to do, and who can do it. " +
			"Findings caused by another finding are hidden.",
		Example:     "  coopkit doctor\n  coopkit doctor --json",
		Annotations: map[string]string{exitCodes: doctorCodes},
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := env.Agent().Health.Now(cmd.Context())
			if err != nil {
				return err
			}
			if err := env.Show(r, func() error { return report(env, r) }); err != nil {
				return err
			}
			return verdict(r.Findings)
		},
	}
}

// verdict is the exit code of the worst finding.
func verdict(findings []appliance.Finding) error {
	switch worst(findings) {
	case appliance.Critical:
		return term.ExitError(term.ExitFailed)
	case appliance.Warning:
		return term.ExitError(term.ExitPartly)
	default:
		return nil
	}
}

func worst(findings []appliance.Finding) appliance.Severity {
	w := appliance.OK
	for _, f := range findings {
		w = max(w, f.Severity)
	}
	return w
}

func report(env *base.Env, r appliance.Report) error {
	if len(r.Findings) == 0 {
		return env.Say("%s %s: all is well.\n", env.Paint(term.Green, "✓"), term.Count(r.Checks, "check"))
	}
	findings := slices.Clone(r.Findings)
	slices.SortStableFunc(findings, func(a, b appliance.Finding) int { return int(b.Severity) - int(a.Severity) })
	for _, f := range findings {
		if err := env.Say("%s", sentences(env, f)); err != nil {
			return err
		}
	}
	return env.Say("%s, %s.\n", term.Count(r.Checks, "check"), term.Count(len(findings), "finding"))
}

func sentences(env *base.Env, f appliance.Finding) string {
	style := map[appliance.Severity]term.Style{
		appliance.Critical: term.Red, appliance.Warning: term.Yellow, appliance.Notice: term.Bold, appliance.OK: term.Green,
	}[f.Severity]
	var b strings.Builder
	b.WriteString(env.Paint(style, f.Severity.String()+":") + " " + term.Clean(f.What) + "\n")
	line := func(label, text string) {
		if text != "" {
			b.WriteString("  " + label + ": " + term.Clean(text) + "\n")
		}
	}
	line("why", f.Why)
	for _, n := range f.Next {
		line("next", n)
	}
	line("who", say.Actor(env.Words(), f.Who))
	line("since", term.Time(f.Since))
	line("code", strings.TrimSpace(f.Code+" "+f.Subject))
	b.WriteString("\n")
	return b.String()
}
