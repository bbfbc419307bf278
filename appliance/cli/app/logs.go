// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"context"
	"errors"
	"strings"
	"time"

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
	since   string
	until   string
	search  string
	level   string
	checks  bool
	times   bool
}

func newLogs(env *base.Env) *cobra.Command {
	var o logsOptions
	cmd := &cobra.Command{
		Use: "logs <name>", Short: "Show what an app's services write",
		Long:              "Shows the log lines of an app, each after the name of its service. What the box's own checks caused is left out. Secrets that the box made for the app are hidden. With --follow, Ctrl-C ends it.",
		Example:           "  coopkit app logs wordpress --tail 100\n  coopkit app logs wordpress --service db --follow\n  coopkit app logs wordpress --since 1h --level warning",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), env, cmd.CommandPath(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.service, "service", "", "only this service (default: all)")
	f.IntVar(&o.tail, "tail", 0, "only the last `n` lines of all services together (default: all, service by service)")
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with new lines as they come")
	f.StringVar(&o.since, "since", "", "only lines since then: a `time` such as 2026-11-30T15:00:00Z, or 15m, 2h ago")
	f.StringVar(&o.until, "until", "", "only lines before then: a `time` in the same forms")
	f.StringVar(&o.search, "search", "", "only lines with this `text`, in upper or lower case")
	f.StringVar(&o.level, "level", "", "only lines as bad as this: error, warning or info, where the program says it")
	f.BoolVar(&o.checks, "checks", false, "also what the box's own checks caused")
	f.BoolVar(&o.times, "times", false, "also when each line was written")
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
	err := env.Agent().Apps.Logs(ctx, o.request(name), env.Out)
	if o.follow && errors.Is(err, context.Canceled) {
		return term.ExitError(term.ExitInterrupted)
	}
	return err
}

func (o *logsOptions) request(name string) appliance.AppLogs {
	now := time.Now()
	return appliance.AppLogs{
		Name: appliance.InstallName(name), Service: o.service, Tail: o.tail, Follow: o.follow,
		Since: ago(o.since, now), Until: ago(o.until, now), Search: o.search, Level: o.level, Checks: o.checks, Times: o.times,
	}
}

// ago turns "15m" into the time that was 15 minutes before now. Anything else
// stays as it is: the agent reads it.
func ago(text string, now time.Time) string {
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(-d).Format(time.RFC3339Nano)
	}
	return text
}

// document shows the lines as one JSON list.
func (o *logsOptions) document(ctx context.Context, env *base.Env, name string) error {
	var text strings.Builder
	if err := env.Agent().Apps.Logs(ctx, o.request(name), &text); err != nil {
		return err
	}
	lines := []string{}
	for line := range strings.Lines(text.String()) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return env.Show(lines, nil)
}
