// SPDX-License-Identifier: AGPL-3.0-or-later

package site

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newList(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the sites and what is published of them",
		Example: "  coopkit site list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sites, err := env.Agent().Sites.List(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(sites, func() error {
				return env.Table(head, rows(sites), "No sites yet. Publish a folder: coopkit site push <folder> <host>")
			})
		},
	}
}
