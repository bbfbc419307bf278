// SPDX-License-Identifier: AGPL-3.0-or-later

// Package support owns the commands about the link to a support desk: coopkit
// support …, one file per verb. It asks the agent through control.Agent and
// knows nothing of the protocol. The scripts in appliance/cli/testdata run each
// command.
package support

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "support", Short: "Look after the link to a support desk",
		Long: "Your IT co-op sees at its support desk how this box is, once the box has joined it. The desk only listens: " +
			"it cannot run, read or change anything here.",
	}
	cmd.AddCommand(newJoin(env), newStatus(env), newPreview(env), newLeave(env))
	return cmd
}
