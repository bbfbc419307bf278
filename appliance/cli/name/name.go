// SPDX-License-Identifier: AGPL-3.0-or-later

// Package name owns the commands about DNS zones and host names: coopkit name
// …, one file per verb. It asks the agent through control.Agent and knows
// nothing of DNS itself. The scripts in appliance/cli/testdata run each command.
package name

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "name", Short: "Manage the names (DNS zones) that this box serves"}
	cmd.AddCommand(newAdd(env), newList(env), newShow(env), newCheck(env), newExport(env), newRemove(env))
	return cmd
}
