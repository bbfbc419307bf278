// SPDX-License-Identifier: AGPL-3.0-or-later

// Package job owns the commands about jobs: coopkit job …, one file per verb.
// It asks the agent through control.Agent and knows nothing of what jobs do.
// The scripts in appliance/cli/testdata run each command.
package job

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "job", Short: "See what was changed, step by step, and stop or finish it"}
	cmd.AddCommand(newList(env), newShow(env), newFollow(env), newFinish(env), newStop(env))
	return cmd
}

// ofJob runs a verb about the job whose number is its first argument.
func ofJob(run func(ctx context.Context, id appliance.JobID) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		n, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil || n < 1 {
			return term.Usage(cmd.CommandPath(), "“"+args[0]+"” is not the number of a job", "see their numbers: coopkit job list")
		}
		return run(cmd.Context(), appliance.JobID(n))
	}
}
