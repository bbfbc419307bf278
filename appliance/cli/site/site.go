// SPDX-License-Identifier: AGPL-3.0-or-later

// Package site owns the commands about static sites: coopkit site …, one file
// per verb, and the archive that a push sends. It asks the agent through
// control.Agent and knows nothing of how sites are kept or served. The
// scripts in appliance/cli/testdata run each command; the archive has tests of
// its own.
package site

import (
	"strconv"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "site", Short: "Publish static sites"}
	cmd.AddCommand(newPush(env), newList(env), newVersions(env), newRollback(env), newExport(env), newRemove(env))
	return cmd
}

func rows(sites []appliance.Site) [][]string {
	all := make([][]string, 0, len(sites))
	for _, s := range sites {
		state := "kept"
		if s.Published {
			state = "published"
		}
		all = append(all, []string{
			string(s.Host), strconv.Itoa(s.Version), strconv.Itoa(s.Files), term.Bytes(s.Bytes), term.Time(s.Created), state,
		})
	}
	return all
}

var head = []string{"host", "version", "files", "size", "received", "state"}
