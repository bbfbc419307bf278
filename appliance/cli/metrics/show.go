// SPDX-License-Identifier: AGPL-3.0-or-later

package metrics

import (
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newShow(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Write all metrics in Prometheus' text format",
		Long: "Writes all metrics in Prometheus' text format, through the agent's own socket: no token and no port are needed. The " +
			"textfile collector of a node_exporter reads such a file.",
		Example: "  coopkit metrics show\n  coopkit metrics show > /var/lib/node_exporter/coopkit.prom",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !env.JSON {
				return env.Agent().Metrics.Write(cmd.Context(), env.Out)
			}
			var text strings.Builder
			if err := env.Agent().Metrics.Write(cmd.Context(), &text); err != nil {
				return err
			}
			return env.Show(struct {
				Text string `json:"text"`
			}{text.String()}, nil)
		},
	}
}
