// SPDX-License-Identifier: AGPL-3.0-or-later

package job

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
	"coopkit/internal/problem"
)

func newStop(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "stop <id>", Short: "Have a job put back what it did",
		Long: "Cuts the step at work short and puts everything back that the job did, as if that step had failed. A job that has passed " +
			"the point up to which that is possible cannot be stopped. What was stopped can be started again.",
		Example:           "  coopkit job stop 7",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Jobs(env),
		RunE: ofJob(func(ctx context.Context, id appliance.JobID) error {
			if err := env.Agent().Jobs.Stop(ctx, id); err != nil {
				return err
			}
			err := change.Follow(ctx, env, id, nil)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || p.Code != "job-stopped" || p.Kind == problem.Partial {
				return err // also when something could not be put back
			}
			if env.JSON {
				return nil
			}
			return env.Say("\nJob %d is stopped, and everything is as it was before.\n", id)
		}),
	}
}
