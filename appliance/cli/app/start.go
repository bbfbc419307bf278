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

func newStart(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "start <name>", Short: "Start an app that was stopped",
		Long:              "Starts the app and waits until it answers. From now on it is kept running.",
		Example:           "  coopkit app start wordpress",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change.Change{
				Start: func(ctx context.Context, _ string) (appliance.Job, error) {
					return env.Agent().Apps.Start(ctx, appliance.InstallName(args[0]))
				},
				Done: func(_ context.Context, ended appliance.Job) error {
					return env.Say("\n%s runs again.\n", called(ended))
				},
			}.Run(cmd.Context(), env)
		},
	}
}
