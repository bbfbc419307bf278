// SPDX-License-Identifier: AGPL-3.0-or-later

// Package cli has the commands about recipes that need no agent: list, show
// and lint. It knows package recipes and the terminal, and nothing of the
// appliance, so that people who write recipes can run it anywhere. Its tests
// run the commands on the embedded catalogue and on folders with mistakes.
package cli

import (
	"github.com/spf13/cobra"

	"coopkit/internal/term"
	"coopkit/recipes"
)

// Options is what the commands share.
type Options struct {
	*term.Terminal
	Catalogue *recipes.Catalogue
}

// New returns the noun "recipe" with its verbs list, show and lint, on the
// embedded catalogue.
func New(t *term.Terminal) *cobra.Command {
	o := &Options{Terminal: t, Catalogue: recipes.Embedded()}
	cmd := &cobra.Command{
		Use:   "recipe",
		Short: "Apps that can be added, and the recipes they are made from",
		Long: "A recipe says how to run one app: its images, what it needs, what it asks,\n" +
			"what it keeps, and how its first account is made.",
	}
	cmd.AddCommand(newList(o), newShow(o), newLint(o))
	return cmd
}
