// SPDX-License-Identifier: AGPL-3.0-or-later

// Package cli has the commands about recipes that need no agent: list, show
// and lint. It knows package recipes and the terminal, and nothing of the
// appliance, so that people who write recipes can run it anywhere. Its tests
// run the commands on the embedded catalogue and on folders with mistakes.
package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"coopkit/recipes"
)

// Options is what the commands share.
type Options struct {
	Out, ErrOut io.Writer
	Catalogue   *recipes.Catalogue
}

// New returns the noun "recipe" with its verbs list, show and lint, on the
// embedded catalogue.
func New(out, errOut io.Writer) *cobra.Command {
	o := &Options{Out: out, ErrOut: errOut, Catalogue: recipes.Embedded()}
	cmd := &cobra.Command{
		Use:   "recipe",
		Short: "Apps that can be added, and the recipes they are made from",
		Long: "A recipe says how to run one app: its images, what it needs, what it asks,\n" +
			"what it keeps, and how its first account is made.",
	}
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	cmd.AddCommand(newList(o), newShow(o), newLint(o))
	return cmd
}

// writeJSON writes v as indented JSON with a line end.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
