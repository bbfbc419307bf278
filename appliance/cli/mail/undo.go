// SPDX-License-Identifier: AGPL-3.0-or-later

package mail

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newUndo(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "undo", Short: "Put back the mail server of before the last change",
		Long:    "Puts back the setting of before the last change. Undoing twice changes nothing.",
		Example: "  coopkit mail undo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, ctx := env.Agent().Messages, cmd.Context()
			if err := m.UndoRelay(ctx); err != nil {
				return err
			}
			s, err := m.Relay(ctx)
			if err != nil {
				return err
			}
			return show(env, s)
		},
	}
}
