// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/say"
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
				reach, err := env.Agent().Box.Reach(cmd.Context(), appliance.AskReach{})
				if err != nil {
					return err
				}
				rows := make([][]string, 0, len(apps))
				for _, a := range apps {
					rows = append(rows, []string{string(a.Name), a.Title, a.State, visitors(env, reach, a), a.URL, base.Bytes(a.Usage.MemoryBytes), a.Recipe, a.Version})
				}
				return env.Table([]string{"name", "called", "state", "visitors", "address", "memory", "recipe", "version"}, rows,
					"No apps yet. See what there is: coopkit recipe list")
			})
		},
	}
}

// visitors says whether people from outside can open an app.
func visitors(env *base.Env, all []appliance.AddressReach, a appliance.App) string {
	for _, r := range all {
		if len(a.Addresses) > 0 && r.Host == a.Addresses[0] {
			return say.Reach(env.Words(), r.Reach)
		}
	}
	return ""
}
