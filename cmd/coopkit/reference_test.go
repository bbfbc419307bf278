// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"coopkit/appliance/cli"
	"coopkit/appliance/cli/base"
)

var update = flag.Bool("update", false, "write the reference page again")

const page = "../../docs/reference/cli.md"

const intro = `# Commands

Every command of ` + "`coopkit`" + `, for whoever looks one up. This page is made from the
code: ` + "`go test ./cmd/coopkit -update`" + ` writes it again.

In the lines that say how a command is written, ` + "`<…>`" + ` stands for what you fill in,
and what is in ` + "`[…]`" + ` may be left out. What the exit codes mean: [exit codes](exit-codes.md).
What the codes in brackets at the end of an error mean: [problems](problems.md).

`

// TestReference: the page lists exactly the commands of the program.
func TestReference(t *testing.T) {
	env := base.New(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}, func(string) string { return "" })
	got := reference(t, cli.New(env, extras()...))
	if *update {
		if err := os.WriteFile(page, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s is out of date; go test ./cmd/coopkit -update (-page +code):\n%s", page, d)
	}
}

func reference(t *testing.T, root *cobra.Command) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(intro)
	_, usual, _ := strings.Cut(root.Long, exitCodes)
	fmt.Fprintf(&b, "Every command takes these options:\n\n```\n%s```\n", root.PersistentFlags().FlagUsages())
	fmt.Fprintf(&b, "\nUnless it says otherwise, it ends with one of these exit codes:\n\n```%s\n```\n", usual)
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.HasParent() {
			describe(&b, cmd, usual)
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && c.Name() != "help" {
				visit(c)
			}
		}
	}
	visit(root)
	b.WriteString("\nNext: [exit codes](exit-codes.md) · [problems](problems.md) · [the control API](control-api.md)\n")
	return b.Bytes()
}

const exitCodes = "\n\nExit codes:"

func describe(b *bytes.Buffer, cmd *cobra.Command, usual string) {
	level := strings.Repeat("#", 1+min(2, strings.Count(cmd.CommandPath(), " ")))
	long, codes, _ := strings.Cut(cmd.Long, exitCodes)
	fmt.Fprintf(b, "\n%s %s\n\n%s.\n", level, cmd.CommandPath(), cmd.Short)
	if long = strings.TrimSpace(long); long != cmd.Short+"." && cmd.Parent().Name() != "completion" {
		fmt.Fprintf(b, "\n%s\n", long)
	}
	if cmd.HasAvailableSubCommands() {
		return
	}
	fmt.Fprintf(b, "\n```\n%s\n```\n", cmd.UseLine())
	if flags := cmd.NonInheritedFlags(); flags.HasAvailableFlags() {
		if h := flags.Lookup("help"); h != nil {
			h.Hidden = true
		}
		if text := flags.FlagUsages(); text != "" {
			fmt.Fprintf(b, "\n```\n%s```\n", text)
		}
	}
	if cmd.Example != "" {
		fmt.Fprintf(b, "\nFor example:\n\n```\n%s\n```\n", cmd.Example)
	}
	if codes != usual {
		fmt.Fprintf(b, "\nIts exit codes:\n\n```%s\n```\n", codes)
	}
}
