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

func newFinish(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "finish <id>", Short: "Make final what a job waits for",
		Long: "A job may wait a while before what it did is final, so that it can still go back. This ends the waiting: the job goes on at " +
			"once, and cannot go back any more. A job that is held up tries again.",
		Example:           "  coopkit job finish 7",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Jobs(env),
		RunE: ofJob(func(ctx context.Context, id appliance.JobID) error {
			if err := env.Agent().Jobs.Finish(ctx, id); err != nil {
				return err
			}
			return change.Follow(ctx, env, id, func(_ context.Context, ended appliance.Job) error {
				return env.Say("\nJob %d is done.\n", ended.ID)
			})
		}),
	}
}
