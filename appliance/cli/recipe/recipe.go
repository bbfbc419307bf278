// SPDX-License-Identifier: AGPL-3.0-or-later

// Package recipe owns the commands about recipes that need the agent: coopkit
// recipe test and refresh, one file per verb. The verbs that need no agent are
// in recipes/cli. The scripts in appliance/cli/testdata run each command.
package recipe

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

// New returns the noun with the verbs that need the agent.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "recipe", Short: "See, check and try recipes"}
	cmd.AddCommand(NewTest(env), NewRefresh(env))
	return cmd
}
