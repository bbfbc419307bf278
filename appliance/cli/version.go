// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
	"coopkit/internal/process"
)

func newVersion(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of this program",
		Long:    "Shows the version of this program. The agent that runs may be another one: see coopkit status.",
		Example: "  coopkit version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := process.ThisBuild()
			return env.Show(b, func() error {
				changed := ""
				if b.Changed {
					changed = "yes: built from files that are not committed"
				}
				return env.Facts("coopkit", b.Version, "commit", b.Commit, "changed", changed, "go", b.Go, "for", b.Arch)
			})
		},
	}
}
