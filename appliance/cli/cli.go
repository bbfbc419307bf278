// SPDX-License-Identifier: AGPL-3.0-or-later

// Package cli owns the command line of the appliance: the tree of nouns and
// verbs, the global flags, and the verbs without a noun (status, doctor,
// version). It is a thin client of the agent's socket: it knows nothing of the
// store, Docker or the agent's parts. Its scripts in testdata run every command
// against a fake agent on a real socket.
package cli

import (
	"context"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"coopkit/appliance/cli/app"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/cert"
	"coopkit/appliance/cli/console"
	"coopkit/appliance/cli/job"
	"coopkit/appliance/cli/mail"
	"coopkit/appliance/cli/metrics"
	"coopkit/appliance/cli/name"
	"coopkit/appliance/cli/notify"
	"coopkit/appliance/cli/recipe"
	"coopkit/appliance/cli/redirect"
	"coopkit/appliance/cli/site"
	"coopkit/appliance/cli/support"
)

// Extra makes a command of another part of the program (the agent, the desk,
// the recipes' own verbs). One that is named like a noun of this package adds
// its verbs to it.
type Extra func(env *base.Env) *cobra.Command

// Main runs one command line and returns the exit code. args are without the
// program's name; when ctx ends, the command leaves.
func Main(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer, extra ...Extra) int {
	env := base.New(in, out, errOut, os.Getenv)
	root := New(env, extra...) //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && slices.Contains(args, "--json") {
		env.JSON = true // also when the flags could not be read to their end
	}
	return env.Report(err)
}

// New returns the tree of commands.
func New(env *base.Env, extra ...Extra) *cobra.Command {
	root := &cobra.Command{
		Use:   "coopkit",
		Short: "The co-op IT toolkit appliance",
		Long:  "Coopkit runs a co-op's apps, sites and names on its own server. These commands talk to the agent on this machine.",
		Example: `  coopkit app add wordpress --address www.demo.coop
  coopkit site push public/ demo.coop
  coopkit doctor`,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	f := root.PersistentFlags()
	f.BoolVar(&env.JSON, "json", false, "write one JSON document instead of text; never ask")
	f.StringVar(&env.Socket, "socket", env.Socket, "the agent's socket (also COOPKIT_SOCKET)")
	root.AddCommand(
		app.New(env), site.New(env), name.New(env), redirect.New(env), job.New(env), cert.New(env), recipe.New(env),
		support.New(env), console.New(env), mail.New(env), notify.New(env), metrics.New(env),
		newStatus(env), newDoctor(env), newVersion(env),
	)
	for _, make := range extra {
		join(root, make(env))
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	finish(root)
	return root
}

// join adds cmd to root, or its verbs to the noun of the same name.
func join(root, cmd *cobra.Command) {
	for _, noun := range root.Commands() {
		if noun.Name() == cmd.Name() {
			if cmd.Long != "" {
				noun.Short, noun.Long = cmd.Short, cmd.Long
			}
			verbs := cmd.Commands()
			cmd.RemoveCommand(verbs...)
			noun.AddCommand(verbs...)
			return
		}
	}
	root.AddCommand(cmd)
}
