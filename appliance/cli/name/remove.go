// SPDX-License-Identifier: AGPL-3.0-or-later

package name

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
		Use: "remove <zone>", Short: "Stop answering for a zone",
		Example:           "  coopkit name remove demo.coop",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Zones(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, zone := env.Agent(), args[0]
			return change.Change{
				Yes: yes,
				Plan: func(ctx context.Context) (appliance.Plan, error) {
					return b.Names.PlanRemoveZone(ctx, appliance.ZoneChange{Zone: zone})
				},
				Start: func(ctx context.Context, hash string) (appliance.Job, error) {
					return b.Names.RemoveZone(ctx, appliance.ZoneChange{Zone: zone, PlanHash: hash})
				},
				Done: func(context.Context, appliance.Job) error {
					return env.Say("\nThis box no longer answers for %s.\n", zone)
				},
			}.Run(cmd.Context(), env)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, go ahead")
	return cmd
}
