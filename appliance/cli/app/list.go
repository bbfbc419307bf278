// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newList(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the apps on this box",
		Example: "  coopkit app list\n  coopkit app list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			apps, err := env.Agent().Apps.List(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(apps, func() error {
				rows := make([][]string, 0, len(apps))
				for _, a := range apps {
					rows = append(rows, []string{string(a.Name), a.Title, a.State, a.URL, base.Bytes(a.Usage.MemoryBytes), a.Recipe, a.Version})
				}
				return env.Table([]string{"name", "called", "state", "address", "memory", "recipe", "version"}, rows,
					"No apps yet. See what there is: coopkit recipe list")
			})
		},
	}
}
