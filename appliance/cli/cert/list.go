// SPDX-License-Identifier: AGPL-3.0-or-later

package cert

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
	"coopkit/internal/problem"
	"coopkit/internal/term"
)

func newList(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the certificates and when they end",
		Long:    "Lists the certificates. They are renewed by themselves; a problem column that is not empty says why the last try failed.",
		Example: "  coopkit cert list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := env.Agent().Box.Certificates(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(all, func() error {
				rows := make([][]string, 0, len(all))
				for _, c := range all {
					trouble := ""
					if c.Problem != nil {
						trouble = problem.Reason(c.Problem)
					}
					rows = append(rows, []string{c.Host, c.Issuer, term.Time(c.NotAfter), trouble})
				}
				return env.Table([]string{"host", "issuer", "valid until", "problem"}, rows,
					"No certificates yet: they come with the first app or site.")
			})
		},
	}
}
