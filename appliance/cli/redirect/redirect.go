// SPDX-License-Identifier: AGPL-3.0-or-later

// Package redirect owns the commands about redirects: coopkit redirect …, one
// file per verb. It asks the agent through control.Agent and knows nothing of
// the front door. The scripts in appliance/cli/testdata run each command.
package redirect

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "redirect", Short: "Send visitors of a name to another address"}
	cmd.AddCommand(newAdd(env), newList(env), newRemove(env))
	return cmd
}
