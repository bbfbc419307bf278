// SPDX-License-Identifier: AGPL-3.0-or-later

package name

import (
	"strconv"

	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newList(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the zones that this box answers for",
		Example: "  coopkit name list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := env.Agent().Names.Zones(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(names, func() error {
				rows := make([][]string, 0, len(names))
				for _, n := range names {
					rows = append(rows, []string{n.Zone, strconv.Itoa(len(n.Records)), strconv.FormatUint(uint64(n.Serial), 10)})
				}
				return env.Table([]string{"zone", "records", "serial"}, rows, "No zones yet. Add one: coopkit name add <zone>")
			})
		},
	}
}
