// SPDX-License-Identifier: AGPL-3.0-or-later

package job

import (
	"errors"

	"github.com/spf13/cobra"

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
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(cmd.CommandPath(), args[0])
			if err != nil {
				return err
			}
			if err := env.Agent().Jobs.Stop(cmd.Context(), id); err != nil {
				return err
			}
			err = change.Follow(cmd.Context(), env, id, nil)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || p.Code != "job-stopped" || p.Kind == problem.Partial {
				return err // also when something could not be put back
			}
			if env.JSON {
				return nil
			}
			return env.Say("\nJob %d is stopped, and everything is as it was before.\n", id)
		},
	}
}
