// SPDX-License-Identifier: AGPL-3.0-or-later

package mail

import (
	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

func newTest(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "test <address>", Short: "Send a test message through the mail server",
		Long:    "Sends a test message and says whether the mail server accepts it, and if not, why and what to do.",
		Example: "  coopkit mail test ana@example.org",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			t := appliance.TestMail{To: args[0]}
			if err := env.Agent().Messages.TestRelay(cmd.Context(), t); err != nil {
				return err
			}
			return env.Show(t, func() error {
				return env.Say("The mail server accepted a test message to %s. See whether it arrives, also in the spam folder.\n", term.Clean(t.To))
			})
		},
	}
}
