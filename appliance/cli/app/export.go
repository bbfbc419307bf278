// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
)

func newExport(env *base.Env) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use: "export <name> <file>", Short: "Save a copy of an app with its data",
		Long: "Makes a copy of all that runs the app again with plain Docker Compose, and saves it as a zip. " +
			"The app is stopped while its data is copied, and goes on afterwards. The copy contains its passwords.",
		Example:           "  coopkit app export wordpress wordpress.zip",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			apps, req := env.Agent().Apps, appliance.ExportApp{Name: args[0]}
			copying := change.Change{
				Yes:  yes,
				Plan: func(ctx context.Context) (appliance.Plan, error) { return apps.PlanExport(ctx, req) },
				Start: func(ctx context.Context, hash string) (appliance.Job, error) {
					req.PlanHash = hash
					return apps.Export(ctx, req)
				},
			}
			return env.Save(args[1], func(w io.Writer) error { // which looks first whether the file can be made
				if err := copying.Run(cmd.Context(), env); err != nil {
					return err
				}
				return apps.Copy(cmd.Context(), appliance.InstallName(req.Name), w)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, go ahead")
	return cmd
}
