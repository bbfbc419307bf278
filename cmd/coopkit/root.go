// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"coopkit/appliance/agent"
	"coopkit/appliance/cli"
	"coopkit/appliance/cli/base"
	deskcli "coopkit/desk/cli"
	recipescli "coopkit/recipes/cli"
)

// extras are the commands that other parts of the program bring.
func extras() []cli.Extra {
	return []cli.Extra{
		func(env *base.Env) *cobra.Command { return recipescli.New(env.Terminal) },
		func(env *base.Env) *cobra.Command { return agent.Command(env.Err) },
		func(env *base.Env) *cobra.Command { return deskcli.New(env.Terminal) },
	}
}

// run runs one command line until it ends or a signal stops it, and returns
// the exit code. A second signal ends the process at once.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Main(ctx, args, os.Stdin, os.Stdout, os.Stderr, extras()...)
}
