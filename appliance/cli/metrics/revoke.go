// SPDX-License-Identifier: AGPL-3.0-or-later

package metrics

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newRevoke(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "revoke", Short: "End the token, at once",
		Example: "  coopkit metrics revoke",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := env.Agent().Metrics.Revoke(cmd.Context()); err != nil {
				return err
			}
			return env.Show(struct{}{}, func() error {
				return env.Say("Nobody may read the metrics now.\n")
			})
		},
	}
}
