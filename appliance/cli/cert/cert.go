// SPDX-License-Identifier: AGPL-3.0-or-later

// Package cert owns the commands about certificates: coopkit cert …, one file
// per verb. It asks the agent through control.Agent and knows nothing of TLS.
// The scripts in appliance/cli/testdata run each command.
package cert

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "cert", Short: "See the certificates of the front door"}
	cmd.AddCommand(newList(env))
	return cmd
}
