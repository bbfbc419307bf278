// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

func newConfirm(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "confirm <person> <channel> <code>", Short: "Enter the code of a test message",
		Long:    "Enters the code that a test message had: messages go that way from then on. The code is good for a day.",
		Example: "  coopkit notify confirm ana mail 123456",
		Args:    cobra.ExactArgs(3), ValidArgsFunction: kinds,
		RunE: func(cmd *cobra.Command, args []string) error {
			c := appliance.ChannelCode{Person: args[0], Kind: appliance.ChannelKind(args[1]), Code: args[2]}
			if err := env.Agent().Messages.ProveChannel(cmd.Context(), c); err != nil {
				return err
			}
			return env.Show(appliance.ChannelCode{Person: c.Person, Kind: c.Kind}, func() error {
				return env.Say("Messages go to %s by %s from now on.\n", term.Clean(c.Person), c.Kind)
			})
		},
	}
}
