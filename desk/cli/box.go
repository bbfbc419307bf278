// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/desk/serve"
	"coopkit/desk/wire"
	"coopkit/internal/localrpc"
	"coopkit/internal/term"
)

func newBox(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "box", Short: "Boxes that report to the desk"}
	cmd.AddCommand(newBoxList(o), newBoxConfirm(o))
	return cmd
}

func newBoxList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the boxes, worst first",
		Long:    "Lists the boxes, worst first. Those that wait to be confirmed show their four words.",
		Example: "  coopkit desk box list --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd.Context(), o, false, serve.Boxes, localrpc.None{}, func(boxes []serve.Box) error {
				var rows [][]string
				for _, b := range boxes {
					rows = append(rows, []string{string(b.ID), b.Name, b.Coop, string(b.State), string(b.Level), cmp.Or(term.Time(b.Seen), "never"), b.Version, strings.Join(b.Words, " ")})
				}
				return o.Table([]string{"id", "name", "coop", "state", "level", "seen", "version", "words"}, rows, "No box has joined yet: coopkit desk invite --coop ID")
			})
		},
	}
}

func newBoxConfirm(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "confirm ID", Short: "Say that the four words of a box were compared",
		Long:    "Confirms a box that has joined, after somebody compared its four words with those\non the box. To confirm twice changes nothing.",
		Example: "  coopkit desk box confirm k6r4b7bebjui", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd.Context(), o, false, serve.Confirm, wire.BoxID(args[0]), func(b serve.Box) error {
				return o.Say("%s is confirmed: its reports count from now on.\n", term.Clean(b.Name))
			})
		},
	}
}
