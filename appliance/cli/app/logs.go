// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/complete"
	"coopkit/internal/term"
)

type logsOptions struct {
	service string
	tail    int
	follow  bool
}

func newLogs(env *base.Env) *cobra.Command {
	var o logsOptions
	cmd := &cobra.Command{
		Use: "logs <name>", Short: "Show what an app's services write",
		Long:              "Shows the log lines of an app, each after the name of its service. With --follow, Ctrl-C ends it.",
		Example:           "  coopkit app logs wordpress --tail 100\n  coopkit app logs wordpress --service db --follow",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), env, cmd.CommandPath(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.service, "service", "", "only this service (default: all)")
	f.IntVar(&o.tail, "tail", 0, "only the last `n` lines of each service (default: all)")
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with new lines as they come")
	return cmd
}

func (o *logsOptions) run(ctx context.Context, env *base.Env, command, name string) error {
	switch {
	case o.tail < 0:
		return term.Usage(command, "--tail cannot be negative")
	case env.JSON && o.follow:
		return term.Usage(command, "--json and --follow do not go together", "leave one of them out")
	case env.JSON:
		return o.document(ctx, env, name)
	}
	err := env.Agent().Apps.Logs(ctx, appliance.AppLogs{Name: appliance.InstallName(name), Service: o.service, Tail: o.tail, Follow: o.follow}, env.Out)
	if o.follow && errors.Is(err, context.Canceled) {
		return term.ExitError(term.ExitInterrupted)
	}
	return err
}

// document shows the lines as one JSON list.
func (o *logsOptions) document(ctx context.Context, env *base.Env, name string) error {
	var text strings.Builder
	if err := env.Agent().Apps.Logs(ctx, appliance.AppLogs{Name: appliance.InstallName(name), Service: o.service, Tail: o.tail}, &text); err != nil {
		return err
	}
	lines := []string{}
	for line := range strings.Lines(text.String()) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return env.Show(lines, nil)
}
