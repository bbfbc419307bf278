// SPDX-License-Identifier: AGPL-3.0-or-later

// Package mail owns the commands about outgoing mail: coopkit mail …, one file
// per verb. It asks the agent through control.Agent and knows nothing of how mail
// is sent. The scripts in appliance/cli/testdata run each command.
package mail

import (
	"strconv"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "mail", Short: "Set the mail server through which this box sends mail",
		Long: "This box sends mail through a mail server that accepts it for everybody: that of your mail provider. Its own messages go out through it " +
			"(coopkit notify), and those of apps that send mail will.",
	}
	cmd.AddCommand(newSet(env), newShow(env), newTest(env), newRemove(env), newUndo(env))
	return cmd
}

// show prints the setting.
func show(env *base.Env, s appliance.RelaySetting) error {
	return env.Show(s, func() error {
		if !s.Set {
			return env.Say("No mail server is set, so this box sends no mail. Set one: coopkit mail set --help\n")
		}
		password := ""
		if s.HasPassword {
			password = "is set"
		}
		return env.Facts("server", s.Host, "port", strconv.Itoa(s.Port), "encryption", s.Security, "from", term.Clean(s.From), "user", term.Clean(s.User), "password", password)
	})
}

func newShow(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show the mail server, without its password",
		Example: "  coopkit mail show",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := env.Agent().Messages.Relay(cmd.Context())
			if err != nil {
				return err
			}
			return show(env, s)
		},
	}
}
