// SPDX-License-Identifier: AGPL-3.0-or-later

package site

import (
	"context"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
	"coopkit/internal/term"
)

func newRollback(env *base.Env) *cobra.Command {
	to := 0
	cmd := &cobra.Command{
		Use: "rollback <host>", Short: "Publish an older version of a site again",
		Long:              "Publishes an older version again. Nothing is lost: the newer version is kept, and --to brings it back.",
		Example:           "  coopkit site rollback demo.coop\n  coopkit site rollback demo.coop --to 3",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Sites(env, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to < 0 || cmd.Flags().Changed("to") && to == 0 {
				return term.Usage(cmd.CommandPath(), "versions are numbered from 1", "see which there are: coopkit site versions "+args[0])
			}
			b := env.Agent()
			return change.Change{
				Start: func(ctx context.Context, _ string) (appliance.Job, error) {
					return b.Sites.Rollback(ctx, appliance.RollbackSite{Host: args[0], Version: to})
				},
				Done: func(context.Context, appliance.Job) error {
					return env.Say("\nThe older version of %[1]s is published. See them all: coopkit site versions %[1]s\n", args[0])
				},
			}.Run(cmd.Context(), env)
		},
	}
	cmd.Flags().IntVar(&to, "to", 0, "the version to publish (default: the one before)")
	return cmd
}
