// SPDX-License-Identifier: AGPL-3.0-or-later

// Package notify owns the commands about the messages of the box to its people:
// coopkit notify …, one file per verb. It asks the agent through control.Agent
// and knows nothing of how messages are written or sent. The scripts in
// appliance/cli/testdata run each command.
package notify

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

// New returns the noun with its verbs.
func New(env *base.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "notify", Short: "Choose whom this box tells what needs them, and how",
		Long: "When something goes wrong, or is solved, this box tells its people: by mail, by an ntfy server, or by calling a webhook. " +
			"Each channel is used once a test message has arrived.",
	}
	cmd.AddCommand(newList(env), newSet(env), newTest(env), newConfirm(env), newSent(env))
	return cmd
}

func newList(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the people and how messages reach them",
		Example: "  coopkit notify list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := env.Agent().Messages.Receivers(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(all, func() error {
				var rows [][]string
				for _, r := range all {
					rows = append(rows, []string{term.Clean(r.Person), r.Least.String(), quiet(r.Quiet), weekly(r.Weekly), channels(r)})
				}
				return env.Table([]string{"person", "from", "quiet", "weekly", "channels"}, rows, "Nobody has an account on this box yet: coopkit console token\n")
			})
		},
	}
}

func channels(r appliance.Receiver) string {
	var out []string
	for _, c := range r.Channels {
		if c.To != "" {
			out = append(out, string(c.Kind)+" "+term.Clean(c.To)+" ("+state(c)+")")
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// state is how a channel is, in a word or two.
func state(c appliance.Channel) string {
	switch {
	case c.Problem != nil:
		return "fails: " + term.Clean(c.Problem.What)
	case !c.Proven.IsZero():
		return "used"
	case !c.Asked.IsZero():
		return "waits for its code"
	default:
		return "not tested"
	}
}

func quiet(h appliance.Hours) string {
	if !h.On {
		return "off"
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.Until/60, h.Until%60)
}

func weekly(w appliance.Weekly) string {
	if !w.On {
		return "off"
	}
	return fmt.Sprintf("%s %d", strings.ToLower(w.Day.String()), w.Hour)
}
