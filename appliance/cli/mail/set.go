// SPDX-License-Identifier: AGPL-3.0-or-later

package mail

import (
	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

func newSet(env *base.Env) *cobra.Command {
	var r appliance.Relay
	password := ""
	cmd := &cobra.Command{
		Use: "set <server>", Short: "Set the mail server",
		Long: "Sets the mail server through which this box sends mail. The password is read from a file, or with - from standard input, so that it " +
			"is in no list of commands; without one, that of before stays as long as server and user are the same. The setting of " +
			"before can be put back: coopkit mail undo.",
		Example: `  coopkit mail set mail.example.org --from box@example.org --user box@example.org --password-file -
  coopkit mail set localhost --security none --from box@example.org`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			r.Host = args[0]
			if password != "" {
				if r.Password, err = env.Secret(password); err != nil {
					return err
				}
			}
			m, ctx := env.Agent().Messages, cmd.Context()
			if err := m.SetRelay(ctx, r); err != nil {
				return err
			}
			s, err := m.Relay(ctx)
			if err != nil {
				return err
			}
			return env.Show(s, func() error {
				return env.Say("This box sends mail through %s. See whether it works: coopkit mail test <address>\n", term.Clean(s.Host))
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.From, "from", "", "mail address that mail is from")
	f.StringVar(&r.User, "user", "", "name to sign in with; empty: nobody signs in")
	f.StringVar(&password, "password-file", "", "file whose first line is the password; - is standard input")
	f.StringVar(&r.Security, "security", "tls", "encryption: tls (from the first byte), starttls, or none on this machine alone")
	f.IntVar(&r.Port, "port", 0, "port; 0: the usual one, 465, 587 or 25")
	return cmd
}
