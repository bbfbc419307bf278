// SPDX-License-Identifier: AGPL-3.0-or-later

package recipe

import (
	"context"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
)

// NewTest returns the command recipe test.
func NewTest(env *base.Env) *cobra.Command {
	images := ""
	cmd := &cobra.Command{
		Use: "test <name>", Short: "Add a recipe to a scratch place, run its smoke test, remove it",
		Long:              "Tries a recipe on this box without touching its apps: adds it to a scratch place, runs its smoke test and removes it again.",
		Example:           "  coopkit recipe test dokuwiki --images debian",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Recipes(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			source, err := change.Images(cmd.CommandPath(), images)
			if err != nil {
				return err
			}
			return change.Change{
				Start: func(ctx context.Context, _ string) (appliance.Job, error) {
					return env.Agent().Recipes.Test(ctx, appliance.TestRecipe{Name: args[0], Images: source})
				},
				Done: func(context.Context, appliance.Job) error {
					return env.Say("\n%s passed its test and was removed again.\n", args[0])
				},
			}.Run(cmd.Context(), env)
		},
	}
	cmd.Flags().StringVar(&images, "images", "", "where images come from: registry or debian (default: what works, in this order)")
	return cmd
}
