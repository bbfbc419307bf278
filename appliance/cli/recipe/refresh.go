// SPDX-License-Identifier: AGPL-3.0-or-later

package recipe

import (
	"context"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
)

// NewRefresh returns the command recipe refresh.
func NewRefresh(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "refresh", Short: "Build images again whose Debian packages have updates",
		Long:    "Checks whether Debian has published updates for what the images built here contain, and builds those again.",
		Example: "  coopkit recipe refresh",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return change.Change{
				Start: func(ctx context.Context, _ string) (appliance.Job, error) {
					return env.Agent().Recipes.RefreshImages(ctx)
				},
				Done: func(_ context.Context, ended appliance.Job) error {
					return env.Say("\nThe images are up to date. What was built: coopkit job show %d\n", ended.ID)
				},
			}.Run(cmd.Context(), env)
		},
	}
}
