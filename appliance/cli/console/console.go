// SPDX-License-Identifier: AGPL-3.0-or-later

// Package console owns the commands about the web console: coopkit console …,
// one file per verb. It asks the agent through control.Agent and knows
// nothing of accounts or pages. The scripts in appliance/cli/testdata run each
// command.
package console

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "console", Short: "Get into the console in a browser"}
	cmd.AddCommand(newToken(env))
	return cmd
}
