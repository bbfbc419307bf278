// SPDX-License-Identifier: AGPL-3.0-or-later

package site

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/complete"
)

func newVersions(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "versions <host>", Short: "List the versions of a site that are kept",
		Example:           "  coopkit site versions demo.coop",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Sites(env, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			versions, err := env.Agent().Sites.Versions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return env.Show(versions, func() error { return env.Table(head, rows(versions), "It has no versions.") })
		},
	}
}
