// SPDX-License-Identifier: AGPL-3.0-or-later

package site

import (
	"io"

	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/complete"
)

func newExport(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "export <host> <file>", Short: "Save what is published as a zip",
		Long:              "Saves the files that visitors see now as a zip, for another machine or to publish again. Nothing on the box changes.",
		Example:           "  coopkit site export demo.coop demo.zip",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: complete.Sites(env, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.Save(args[1], func(w io.Writer) error { return env.Agent().Sites.Export(cmd.Context(), args[0], w) })
		},
	}
}
