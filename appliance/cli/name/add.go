// SPDX-License-Identifier: AGPL-3.0-or-later

package name

import (
	"context"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
)

func newAdd(env *base.Env) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use: "add <zone>", Short: "Let this box answer for a zone",
		Long: "Lets this box answer DNS questions for a zone, e.g. demo.coop. The plan says what to set at the " +
			"registrar, once; until then the Internet does not use this box for it.",
		Example: "  coopkit name add demo.coop",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, zone := env.Agent(), args[0]
			return change.Change{
				Yes: yes,
				Plan: func(ctx context.Context) (appliance.Plan, error) {
					return b.Names.PlanAddZone(ctx, appliance.ZoneChange{Zone: zone})
				},
				Start: func(ctx context.Context, hash string) (appliance.Job, error) {
					return b.Names.AddZone(ctx, appliance.ZoneChange{Zone: zone, PlanHash: hash})
				},
				Done: func(context.Context, appliance.Job) error {
					return env.Say("\nThis box answers for %[1]s. Its records: coopkit name show %[1]s\n", zone)
				},
			}.Run(cmd.Context(), env)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, go ahead")
	return cmd
}
