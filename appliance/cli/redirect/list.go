// SPDX-License-Identifier: AGPL-3.0-or-later

package redirect

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newList(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the redirects",
		Example: "  coopkit redirect list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := env.Agent().Redirects.List(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(all, func() error {
				rows := make([][]string, 0, len(all))
				for _, r := range all {
					rows = append(rows, []string{string(r.Host), r.Target})
				}
				return env.Table([]string{"host", "goes to"}, rows, "No redirects yet. Add one: coopkit redirect add <host> <url>")
			})
		},
	}
}
