// SPDX-License-Identifier: AGPL-3.0-or-later

// Package app owns the commands about apps: coopkit app …, one file per verb.
// It asks the agent through control.Agent and knows nothing of how apps run.
// The scripts in appliance/cli/testdata run each command.
package app

import (
	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/say"
	"coopkit/internal/term"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "app", Short: "Add, look after and remove apps"}
	cmd.AddCommand(
		newAdd(env), newList(env), newShow(env), newStart(env), newStop(env), newRestart(env), newRetitle(env), newExport(env),
		newLogs(env), newSignin(env), newRemove(env),
	)
	return cmd
}

// called is what people call the app that a job is about.
func called(j appliance.Job) string {
	return term.Clean(say.About(j))
}
