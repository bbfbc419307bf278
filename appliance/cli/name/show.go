// SPDX-License-Identifier: AGPL-3.0-or-later

package name

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/complete"
	"coopkit/internal/problem"
)

func newShow(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "show <zone>", Short: "Show the records of a zone and who owns them",
		Example:           "  coopkit name show demo.coop",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Zones(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := env.Agent().Names.Zones(cmd.Context())
			if err != nil {
				return err
			}
			zone := strings.ToLower(strings.TrimSuffix(args[0], "."))
			i := slices.IndexFunc(names, func(n appliance.Zone) bool { return n.Zone == zone })
			if i < 0 {
				return &problem.Problem{
					Code: "name-not-here", Kind: problem.NotFound, What: "this box does not answer for the zone “" + zone + "”",
					Next: []string{"coopkit name list", "coopkit name add " + zone},
				}
			}
			return env.Show(names[i], func() error { return show(env, names[i]) })
		},
	}
}

func show(env *base.Env, n appliance.Zone) error {
	rows := make([][]string, 0, len(n.Records))
	for _, r := range n.Records {
		rows = append(rows, []string{r.Name, strconv.FormatUint(uint64(r.TTL), 10), r.Type, r.Data, r.Owner})
	}
	return env.Table([]string{"name", "ttl", "type", "data", "owner"}, rows, "It has no records.")
}
