// SPDX-License-Identifier: AGPL-3.0-or-later

// Package job owns the commands about jobs: coopkit job …, one file per verb.
// It asks the agent through control.Agent and knows nothing of what jobs do.
// The scripts in appliance/cli/testdata run each command.
package job

import (
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

func parseID(command, s string) (appliance.JobID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return 0, term.Usage(command, "“"+s+"” is not the number of a job", "see their numbers: coopkit job list")
	}
	return appliance.JobID(n), nil
}
