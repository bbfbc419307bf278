// SPDX-License-Identifier: AGPL-3.0-or-later

package mail

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newRemove(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "remove", Short: "Remove the mail server: this box sends no mail any more",
		Long:    "Removes the mail server. It can be put back: coopkit mail undo.",
		Example: "  coopkit mail remove",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, ctx := env.Agent().Messages, cmd.Context()
			if err := m.RemoveRelay(ctx); err != nil {
				return err
			}
			s, err := m.Relay(ctx)
			if err != nil {
				return err
			}
			return env.Show(s, func() error {
				return env.Say("This box sends no mail any more. To put the mail server back: coopkit mail undo\n")
			})
		},
	}
}
