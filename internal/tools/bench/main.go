// SPDX-License-Identifier: AGPL-3.0-or-later

// Command bench compares Coopkit with others on this machine, in one run:
// the front door with nginx and Caddy, the name server with Knot, adding an app
// with Docker Compose, and agent and desk with their budgets. Contenders take turns,
// and medians of all rounds are shown, because a figure alone says more of the
// machine than of the program. It writes a Markdown table. Its tests cover the
// arithmetic and the reading of other programs' output; "make bench" is the run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// bench is one run: where it works and how long it takes.
type bench struct {
	dir     string // for files of the run; removed at the end
	program string // bin/coopkit
	rounds  int
	length  time.Duration // of one measurement under load
	notes   io.Writer
}

// sections are the benchmarks by name, in the order in which they run.
var sections = []struct {
	name string
	run  func(context.Context, *bench) ([]row, error)
}{
	{"box", boxRows},
	{"web", webRows},
	{"dns", dnsRows},
	{"add", addRows},
	{"desk", deskRows},
	{"pages", pageRows},
	{"lighthouse", lighthouseRows},
}

func run(ctx context.Context, args []string, out, notes io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(notes)
	rounds := flags.Int("rounds", 5, "rounds in which the contenders take turns")
	length := flags.Duration("length", 5*time.Second, "length of one measurement under load")
	section := flags.String("section", "", "run one section alone: "+strings.Join(sectionNames(), ", "))
	serve := flags.String("serve", "", "(for the bench itself) be a contender: gateway or dns, with arguments")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *serve != "" {
		return serveAs(ctx, *serve, flags.Args())
	}
	b := &bench{program: "bin/coopkit", rounds: *rounds, length: *length, notes: notes}
	if b.dir, err = os.MkdirTemp("", "coopkit-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := os.Chmod(b.dir, 0o755); err != nil { //nolint:gosec // nginx's worker reads it as another user
		return err
	}
	chosen := sections
	if *section != "" {
		i := slices.Index(sectionNames(), *section)
		if i < 0 {
			return fmt.Errorf("no section is called %q; there are %s", *section, strings.Join(sectionNames(), ", "))
		}
		chosen = sections[i : i+1]
	}
	var rows []row
	for _, s := range chosen {
		b.say("%s …", s.name)
		var more []row
		why, err := undisturbed(ctx, func() (err error) {
			more, err = s.run(ctx, b)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if why != "" {
			b.say("%s does not count: %s", s.name, why)
			more = []row{{what: s.name, disturbed: why}}
		}
		rows = append(rows, more...)
	}
	_, err = io.WriteString(out, table(rows))
	return err
}

func sectionNames() []string {
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.name
	}
	return names
}

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.notes, format+"\n", args...)
}

// serveAs is the other side of bench.self.
func serveAs(ctx context.Context, what string, args []string) error {
	switch what {
	case "gateway":
		return serveGateway(ctx, args)
	case "dns":
		return serveDNS(ctx, args)
	}
	return fmt.Errorf("no contender is called %s", strings.ToValidUTF8(what, ""))
}
