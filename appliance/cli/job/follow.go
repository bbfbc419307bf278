// SPDX-License-Identifier: AGPL-3.0-or-later

package job

import (
	"context"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
)

func newFollow(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "follow <id>", Short: "Watch a job until it ends or waits",
		Long:              "Shows the steps of a job as they happen. Ctrl-C leaves; the job goes on. The exit code is that of the job; 0 when it waits.",
		Example:           "  coopkit job follow 7",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Jobs(env),
		RunE: ofJob(func(ctx context.Context, id appliance.JobID) error {
			return change.Follow(ctx, env, id, func(_ context.Context, ended appliance.Job) error {
				return env.Say("\nJob %d is done.\n", ended.ID)
			})
		}),
	}
}
