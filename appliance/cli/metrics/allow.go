// SPDX-License-Identifier: AGPL-3.0-or-later

package metrics

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newAllow(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "allow", Short: "Make the token with which a Prometheus may read",
		Long: "Makes a token with which a Prometheus may read the metrics at the console's port, and shows it once: the box keeps only " +
			"its hash. A token that was made before ends. With it figures can be read, and nothing else.",
		Example: "  coopkit metrics allow",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := env.Agent().Metrics.Allow(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(t, func() error {
				if err := env.Facts("address", t.URL, "token", t.Token); err != nil {
					return err
				}
				return env.Say("Store the token in your Prometheus now: it is not shown again. To end it: coopkit metrics revoke\n")
			})
		},
	}
}
