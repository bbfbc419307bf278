// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/internal/term"
)

// exitCodes is the annotation of a command whose exit codes are its own.
const exitCodes = "exit-codes"

// usualCodes ends the help of every other command.
const usualCodes = `Exit codes:
  0    done
  1    failed
  2    the command or its input is wrong; nothing was changed
  3    partly done, needs attention
  4    not allowed
  5    the agent, or a part that is needed, does not answer
  130  interrupted`

// finish gives every command what all have alike: Problems for wrong usage, a
// help that ends with the exit codes, and nouns that refuse unknown verbs.
func finish(root *cobra.Command) {
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return term.Usage(cmd.CommandPath(), err.Error())
	})
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(),
		"{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}", 1))
	walk(root, func(cmd *cobra.Command) {
		switch {
		case cmd.HasSubCommands() && !cmd.Runnable():
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, helpOrUnknown
		case cmd.Args != nil:
			cmd.Args = usageArgs(cmd.Args)
		}
		codes := usualCodes
		if own, ok := cmd.Annotations[exitCodes]; ok {
			codes = own
		}
		if cmd.Long == "" {
			cmd.Long = cmd.Short + "."
		}
		cmd.Long += "\n\n" + codes
		cmd.DisableAutoGenTag = true
	})
}

func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		walk(c, visit)
	}
}

// helpOrUnknown is what a noun alone does.
func helpOrUnknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var next []string
	cmd.SuggestionsMinimumDistance = 2
	for _, s := range cmd.SuggestionsFor(args[0]) {
		next = append(next, "did you mean: "+cmd.CommandPath()+" "+s)
	}
	return term.Usage(cmd.CommandPath(), fmt.Sprintf("there is no command “%s %s”", cmd.CommandPath(), args[0]), next...)
}

// usageArgs says what is wrong with the arguments in our words.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		what := "arguments are missing"
		if len(args) > 0 && len(args) >= strings.Count(cmd.Use, "<")-strings.Count(cmd.Use, "--") {
			what = fmt.Sprintf("“%s” is one argument too many", args[len(args)-1])
		}
		return term.Usage(cmd.CommandPath(), what, "write: "+cmd.UseLine())
	}
}
