// SPDX-License-Identifier: AGPL-3.0-or-later

package console

import (
	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

func newToken(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "token", Short: "Make a token that lets you into the console once",
		Long: "Makes a token that lets one person into the console, once, for a short time: to choose the first password, or a new " +
			"one when it is forgotten. Whoever has the token can do everything on this box, so do not pass it on.",
		Example: "  coopkit console token",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := env.Agent().Box.ConsoleAccess(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(a, func() error {
				return env.Facts("address", a.URL, "token", a.Token, "until", term.Time(a.Expires))
			})
		},
	}
}
