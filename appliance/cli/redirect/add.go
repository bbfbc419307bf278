// SPDX-License-Identifier: AGPL-3.0-or-later

package redirect

import (
	"context"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
)

func newAdd(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "add <host> <url>", Short: "Send visitors of a name to a URL",
		Example: "  coopkit redirect add old.demo.coop https://www.demo.coop/",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change.Change{
				Start: func(ctx context.Context, _ string) (appliance.Job, error) {
					return env.Agent().Redirects.Add(ctx, appliance.Redirect{Host: args[0], Target: args[1]})
				},
				Done: func(context.Context, appliance.Job) error {
					return env.Say("\nVisitors of %[1]s go to %[2]s. To take it back: coopkit redirect remove %[1]s\n", args[0], args[1])
				},
			}.Run(cmd.Context(), env)
		},
	}
}
