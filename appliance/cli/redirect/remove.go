// SPDX-License-Identifier: AGPL-3.0-or-later

package redirect

import (
	"context"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
)

func newRemove(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "remove <host>", Short: "Remove a redirect",
		Example:           "  coopkit redirect remove old.demo.coop",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Redirects(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change.Change{
				Start: func(ctx context.Context, _ string) (appliance.Job, error) {
					return env.Agent().Redirects.Remove(ctx, args[0])
				},
				Done: func(context.Context, appliance.Job) error {
					return env.Say("\nThe redirect at %[1]s is removed. To bring it back: coopkit redirect add %[1]s <url>\n", args[0])
				},
			}.Run(cmd.Context(), env)
		},
	}
}
