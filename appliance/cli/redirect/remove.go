// SPDX-License-Identifier: AGPL-3.0-or-later

package redirect

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
)

func newRemove(env *base.Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove <host>", Short: "Remove a redirect",
		Long:              "Removes the redirect, after asking: visitors of the host find nothing there then.",
		Example:           "  coopkit redirect remove old.demo.coop\n  coopkit redirect remove old.demo.coop --yes",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Redirects(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change.Change{
				Start: func(ctx context.Context, _ string) (appliance.Job, error) {
					if err := agree(ctx, env, args[0], yes); err != nil {
						return appliance.Job{}, err
					}
					return env.Agent().Redirects.Remove(ctx, args[0])
				},
				Done: func(context.Context, appliance.Job) error {
					return env.Say("\nThe redirect at %[1]s is removed. To bring it back: coopkit redirect add %[1]s <url>\n", args[0])
				},
			}.Run(cmd.Context(), env)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, go ahead")
	return cmd
}

// agree asks before a redirect goes; of one that is not there nobody is asked.
func agree(ctx context.Context, env *base.Env, host string, yes bool) error {
	all, err := env.Agent().Redirects.List(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a appliance.Address) bool { return a.Host.String() == host })
	if i < 0 {
		return nil
	}
	if err := env.Say("Remove the redirect from %s to %s\n\n", host, all[i].Target); err != nil {
		return err
	}
	return env.Confirm(ctx, yes)
}
