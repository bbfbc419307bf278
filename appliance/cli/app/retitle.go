// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/complete"
)

func newRetitle(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "retitle <name> <title>", Short: "Change what people call an app",
		Long: "Changes the everyday name of the app, which every sentence about it uses, here, in the console and at the " +
			"support desk. Its short name, its address and its data stay. An empty title is that of its program.",
		Example:           "  coopkit app retitle dokuwiki \"Bakery handbook\"",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			apps := env.Agent().Apps
			job, err := apps.Retitle(cmd.Context(), appliance.RetitleApp{Name: appliance.InstallName(args[0]), Title: args[1]})
			if err != nil {
				return err
			}
			all, err := apps.List(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(job, func() error {
				if err := env.Say("It is now called %s.\n", called(job)); err != nil {
					return err
				}
				if other, same := appliance.SameTitle(all, appliance.InstallName(args[0]), job.Args["new"]); same {
					return env.Say("Note: %s is called that too. Choose another name, so that people can tell them apart.\n", other.Name)
				}
				return nil
			})
		},
	}
}
