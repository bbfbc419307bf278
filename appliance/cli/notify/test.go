// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
)

// kinds completes the second argument.
func kinds(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, k := range appliance.ChannelKinds {
		out = append(out, string(k))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func newTest(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "test <person> <channel>", Short: "Send a test message to a person",
		Long:    "Sends a test message by mail, ntfy or webhook and says whether it was accepted. A webhook that accepts it is used from then on; otherwise the message has a code to confirm.",
		Example: "  coopkit notify test ana mail",
		Args:    cobra.ExactArgs(2), ValidArgsFunction: kinds,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.Agent().Messages.TestChannel(cmd.Context(), appliance.ChannelCode{Person: args[0], Kind: appliance.ChannelKind(args[1])})
			if err != nil {
				return err
			}
			if c.Problem != nil {
				return c.Problem
			}
			return env.Show(c, func() error { return one(env, args[0], c) })
		},
	}
}
