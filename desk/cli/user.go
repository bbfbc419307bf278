// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/desk/serve"
	"coopkit/internal/localrpc"
	"coopkit/internal/problem"
	"coopkit/internal/term"
)

const maxPassword = 1024

func newUser(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "People who can sign in to the desk"}
	cmd.AddCommand(newUserAdd(o), newUserToken(o), newUserList(o))
	return cmd
}

func newUserAdd(o *options) *cobra.Command {
	var n serve.NewUser
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add somebody who can sign in",
		Long: "Adds an account and prints a token with which its owner chooses a password, once,\n" +
			"within an hour. It works beside a desk that runs, and before its first start.\n\n" +
			"Roles: a member looks at the boxes of the co-op; a technician also invites and\n" +
			"confirms them; a coordinator does so for every co-op, and adds co-ops and people.",
		Example: "  coopkit desk user add irati\n  coopkit desk user add jonas --display \"Jonas Weber\" --coop kestrel --role technician",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n.Name = args[0]
			if fromStdin {
				var err error
				if n.Password, err = readPassword(o.In); err != nil {
					return err
				}
			}
			return ask(cmd.Context(), o, true, serve.AddUser, n, o.sayToken)
		},
	}
	f := cmd.Flags()
	f.StringVar(&n.Display, "display", "", "the name that others read (default: NAME)")
	f.StringVar(&n.Coop, "coop", "", "the person's co-op; only coordinators can be without one")
	f.StringVar(&n.Role, "role", "", "member, technician or coordinator (default: technician; coordinator without --coop)")
	f.BoolVar(&fromStdin, "password-stdin", false, "read the password from the first line of the input, and print no token")
	return cmd
}

func readPassword(in io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxPassword))
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", &problem.Problem{
			Code: "password-missing", Kind: problem.Invalid, What: "the input has no password in its first line",
			Next: []string{"give it on the input, or leave --password-stdin out to get a token"},
		}
	}
	return line, nil
}

func (o *options) sayToken(u serve.User) error {
	if u.Token == "" {
		return o.Say("%s can sign in as %s.\n", u.Display, u.Name)
	}
	return o.Say("%s signs in as %s.\nOpen %s and type this token with a new password.\nIt works once, until %s.\n\n  %s\n",
		u.Display, u.Name, u.URL, term.Time(u.Expires), u.Token)
}

func newUserToken(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "token NAME",
		Short: "Let somebody in who cannot sign in",
		Long: "Prints a token with which the person chooses a new password, once, within an hour.\n" +
			"A closed account is opened with it. Nothing changes until the token is used.",
		Example: "  coopkit desk user token irati",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd.Context(), o, false, serve.Token, args[0], o.sayToken)
		},
	}
}

func newUserList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the accounts", Example: "  coopkit desk user list --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd.Context(), o, false, serve.Users, localrpc.None{}, func(users []serve.User) error {
				var rows [][]string
				for _, u := range users {
					state := "open"
					if u.Disabled {
						state = "closed"
					}
					rows = append(rows, []string{u.Name, u.Display, u.Role, u.Coop, state})
				}
				return o.Table([]string{"name", "display", "role", "coop", "state"}, rows, "Nobody can sign in yet: coopkit desk user add NAME")
			})
		},
	}
}
