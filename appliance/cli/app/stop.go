// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
	"coopkit/internal/problem"
	"coopkit/internal/term"
)

func newStop(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "stop <name>", Short: "Stop an app; its data stays",
		Long:              "Stops the app and keeps it stopped, also over a restart of the box. Visitors see a page that says so.",
		Example:           "  coopkit app stop wordpress",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := change.Change{
				Start: func(ctx context.Context, _ string) (appliance.Job, error) {
					return env.Agent().Apps.Stop(ctx, appliance.InstallName(args[0]))
				},
				Done: func(_ context.Context, ended appliance.Job) error {
					return env.Say("\n%s is stopped; its data is kept. To start it: coopkit app start %s\n", called(ended), args[0])
				},
			}.Run(cmd.Context(), env)
			if p, ok := errors.AsType[*problem.Problem](err); ok && p.Code == "app-stopped-already" && !env.JSON {
				return env.Say("%s.\n", term.Clean(p.What))
			}
			return err
		},
	}
}
