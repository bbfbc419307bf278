// SPDX-License-Identifier: AGPL-3.0-or-later

package site

import (
	"context"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
)

func newRemove(env *base.Env) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use: "remove <host>", Short: "Remove a site with all its versions",
		Example:           "  coopkit site remove demo.coop",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Sites(env, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, host := env.Agent(), args[0]
			return change.Change{
				Yes: yes,
				Plan: func(ctx context.Context) (appliance.Plan, error) {
					return b.Sites.PlanRemove(ctx, appliance.RemoveSite{Host: host})
				},
				Start: func(ctx context.Context, hash string) (appliance.Job, error) {
					return b.Sites.Remove(ctx, appliance.RemoveSite{Host: host, PlanHash: hash})
				},
				Done: func(context.Context, appliance.Job) error {
					return env.Say("\nThe site at %s is removed.\n", host)
				},
			}.Run(cmd.Context(), env)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, go ahead")
	return cmd
}
