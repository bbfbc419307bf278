// SPDX-License-Identifier: AGPL-3.0-or-later

// Package metrics owns the commands about what a Prometheus reads of the box:
// coopkit metrics …, one file per verb. It asks the agent through control.Agent
// and knows nothing of the metrics themselves. The scripts in
// appliance/cli/testdata run each command.
package metrics

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "metrics", Short: "Let a Prometheus watch this box"}
	cmd.AddCommand(newAllow(env), newStatus(env), newRevoke(env), newShow(env))
	return cmd
}
