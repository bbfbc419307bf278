// SPDX-License-Identifier: AGPL-3.0-or-later

package metrics

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

func newStatus(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show whether a Prometheus may read the metrics, and where",
		Example: "  coopkit metrics status",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := env.Agent().Metrics.Access(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(a, func() error {
				if !a.Allowed {
					return env.Say("Nobody may read the metrics. To allow it: coopkit metrics allow\n")
				}
				return env.Facts("address", a.URL, "allowed since", term.Time(a.Since))
			})
		},
	}
}
