// SPDX-License-Identifier: AGPL-3.0-or-later

package name

import (
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

func newCheck(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "check <host>", Short: "Check whether a name leads to this box",
		Long:    "Asks the server that answers for the name, and compares with the addresses of this box. Exit code 1 when it does not lead here.",
		Example: "  coopkit name check www.demo.coop",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.Agent().Names.Check(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := env.Show(c, func() error { return check(env, c) }); err != nil {
				return err
			}
			if !c.OK {
				return term.ExitError(term.ExitFailed)
			}
			return nil
		},
	}
}

func check(env *base.Env, c appliance.NameCheck) error {
	verdict := env.Paint(term.Green, "✓") + " it leads to this box"
	if !c.OK {
		verdict = env.Paint(term.Red, "✗") + " it does not lead to this box"
	}
	if err := env.Say("%s: %s\n", c.Host, verdict); err != nil {
		return err
	}
	return env.Facts("asked", c.Server, "found", list(c.Found), "wanted", list(c.Want), "why", c.Problem)
}

func list(addresses []string) string {
	if len(addresses) == 0 {
		return "nothing"
	}
	return strings.Join(addresses, ", ")
}
