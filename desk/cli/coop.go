// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"time"

	"github.com/spf13/cobra"

	"coopkit/desk/serve"
	"coopkit/internal/localrpc"
)

func newCoop(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "coop", Short: "Co-ops that the desk knows"}
	cmd.AddCommand(newCoopAdd(o), newCoopList(o))
	return cmd
}

func newCoopAdd(o *options) *cobra.Command {
	var n serve.Coop
	cmd := &cobra.Command{
		Use: "add ID NAME", Short: "Add a co-op",
		Long:    "Adds a co-op. ID is its short name: small letters, digits and hyphens.",
		Example: "  coopkit desk coop add lantern-bakery \"Lantern Street Bakery\" --place Bilbao\n  coopkit desk coop add kestrel \"Kestrel Works\" --it",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n.ID, n.Name = args[0], args[1]
			return ask(cmd.Context(), o, true, serve.AddCoop, n, func(added serve.Coop) error { return o.Say("%s is added.\n", added.Name) })
		},
	}
	cmd.Flags().StringVar(&n.Place, "place", "", "town or region")
	cmd.Flags().BoolVar(&n.ITCoop, "it", false, "it is an IT co-op, which may look after boxes of others")
	return cmd
}

func newCoopList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the co-ops", Example: "  coopkit desk coop list --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd.Context(), o, false, serve.Coops, localrpc.None{}, func(coops []serve.Coop) error {
				var rows [][]string
				for _, each := range coops {
					kind := "boxes"
					if each.ITCoop {
						kind = "IT co-op"
					}
					rows = append(rows, []string{each.ID, each.Name, each.Place, kind})
				}
				return o.Table([]string{"id", "name", "place", "kind"}, rows, "There is no co-op yet: coopkit desk coop add ID NAME")
			})
		},
	}
}

func newInvite(o *options) *cobra.Command {
	var n serve.NewInvitation
	cmd := &cobra.Command{
		Use: "invite", Short: "Make an invitation for one box",
		Long: "Prints the code with which one box joins, once, before its time ends. It is a\n" +
			"secret, and not stored. On the box: coopkit support join 'CODE'.",
		Example: "  coopkit desk invite --coop lantern-bakery --caretaker kestrel --valid 4h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd.Context(), o, false, serve.Invite, n, func(made serve.Invitation) error { return o.Say("%s\n", made.Code) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&n.Coop, "coop", "", "short name of the co-op that the box belongs to")
	f.StringVar(&n.Caretaker, "caretaker", "", "short name of the IT co-op that looks after it")
	f.DurationVar(&n.Valid, "valid", time.Hour, "how long the invitation is good, at most 24h")
	f.BoolVar(&n.Confirmed, "confirmed", false, "the box reports at once; nobody compares the four words")
	return cmd
}
