// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"context"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
)

func newRemove(env *base.Env) *cobra.Command {
	var req appliance.RemoveApp
	var yes bool
	cmd := &cobra.Command{
		Use: "remove <name>", Short: "Remove an app",
		Long: "Removes the app with its containers, volumes and addresses. A final export of its data is kept " +
			"unless --no-export says otherwise.",
		Example:           "  coopkit app remove wordpress\n  coopkit app remove wordpress --yes",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = args[0]
			b := env.Agent()
			return change.Change{
				Yes:  yes,
				Plan: func(ctx context.Context) (appliance.Plan, error) { return b.Apps.PlanRemove(ctx, req) },
				Start: func(ctx context.Context, hash string) (appliance.Job, error) {
					req.PlanHash = hash
					return b.Apps.Remove(ctx, req)
				},
				Done: func(_ context.Context, ended appliance.Job) error { return removed(env, req, ended) },
			}.Run(cmd.Context(), env)
		},
	}
	cmd.Flags().BoolVar(&req.NoExport, "no-export", false, "do not keep a final export: its data is gone for good")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, go ahead")
	return cmd
}

func removed(env *base.Env, req appliance.RemoveApp, ended appliance.Job) error {
	if req.NoExport {
		return env.Say("\n%s is removed, and its data with it.\n", called(ended))
	}
	return env.Say("\n%s is removed. Where its final export is: coopkit job show %d\n", called(ended), ended.ID)
}
