// SPDX-License-Identifier: AGPL-3.0-or-later

package name

import (
	"io"

	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/complete"
)

func newExport(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "export <zone> [file]", Short: "Show a zone as a zone file, or save it",
		Long:              "Writes the records of a zone as a zone file (RFC 1035), which any name server and most registrars read. Nothing on the box changes.",
		Example:           "  coopkit name export demo.coop\n  coopkit name export demo.coop demo.coop.zone",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: complete.Zones(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := append(args[1:], "")[0]
			return env.Save(path, func(w io.Writer) error { return env.Agent().Names.Export(cmd.Context(), args[0], w) })
		},
	}
}
