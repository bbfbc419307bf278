// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"fmt"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/complete"
)

func newSignin(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "signin <name>", Short: "Show the first account of an app, with its password",
		Long: "Shows the account that was made when the app was added. The password is shown in the clear: " +
			"mind who sees your screen. If it was changed in the app since, the one shown here is out of date.",
		Example:           "  coopkit app signin wordpress",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := env.Agent().Apps.Signin(cmd.Context(), appliance.InstallName(args[0]))
			if err != nil {
				return err
			}
			return env.Show(s, func() error {
				if _, err := fmt.Fprintln(env.Err, "warning: a password in the clear follows; do not leave it on the screen"); err != nil {
					return err
				}
				return env.Facts("sign in", s.URL, "user", s.User, "password", s.Password)
			})
		},
	}
}
