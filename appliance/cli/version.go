// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

// build is what this program says of itself.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Changed bool   `json:"changed,omitempty"` // built from files that are not committed
	Go      string `json:"go"`
	Arch    string `json:"arch"`
}

func thisBuild() build {
	b := build{Version: "unknown", Go: runtime.Version(), Arch: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Changed = s.Value == "true"
		}
	}
	return b
}

func newVersion(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of this program",
		Long:    "Shows the version of this program. The agent that runs may be another one: see coopkit status.",
		Example: "  coopkit version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
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
