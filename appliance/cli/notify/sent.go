// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

func newSent(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "sent", Short: "List the newest messages, those that wait first",
		Example: "  coopkit notify sent",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := env.Agent().Messages.Outgoing(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(all, func() error {
				var rows [][]string
				for _, m := range all {
					rows = append(rows, []string{term.Time(m.At), term.Clean(m.Person), string(m.Kind), how(m), term.Clean(m.Subject)})
				}
				return env.Table([]string{"written", "person", "channel", "state", "subject"}, rows, "No message was written in the last two weeks.\n")
			})
		},
	}
}

// how is what became of a message.
func how(m appliance.Sent) string {
	switch {
	case !m.Sent.IsZero():
		return "delivered"
	case !m.Dropped.IsZero():
		return "given up"
	case m.Problem != nil:
		return "waits: " + term.Clean(m.Problem.What)
	default:
		return "waits"
	}
}
