// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/internal/term"
)

func newJoin(env *base.Env) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use: "join <code>", Short: "Join the support desk of your IT co-op",
		Long: "Joins the support desk that an invitation is from. First it shows which desk that is and what will be sent. " +
			"Afterwards compare the four words with those that your IT co-op sees.",
		Example: "  coopkit support join 'https://desk.example/join#ck1.…'",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, ctx := env.Agent(), cmd.Context()
			plan, err := b.Desk.PlanJoin(ctx, appliance.JoinDesk{Code: args[0]})
			if err != nil {
				return err
			}
			if err := change.Agree(ctx, env, plan, yes); err != nil {
				return err
			}
			link, err := b.Desk.Join(ctx, appliance.JoinDesk{Code: args[0], PlanHash: plan.Hash})
			if err != nil {
				return err
			}
			return env.Show(link, func() error { return joined(env, link) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, go ahead")
	return cmd
}

func joined(env *base.Env, l appliance.DeskLink) error {
	if err := env.Say("\nThis box has joined %s at %s.\n\n  %s\n\n", term.Clean(l.Name), l.URL, env.Paint(term.Bold, words(l))); err != nil {
		return err
	}
	if l.State == appliance.DeskPending {
		return env.Say("Read these four words to your IT co-op. It confirms the box if the desk shows the same.\nUntil then nothing is taken: coopkit support status\n")
	}
	return env.Say("The desk shows the same four words for this box. If it shows others, leave at once: coopkit support leave\n")
}

func words(l appliance.DeskLink) string { return term.Clean(strings.Join(l.Words[:], " ")) }
