// SPDX-License-Identifier: AGPL-3.0-or-later

// Command demo drives "make demo": it starts an appliance in the background,
// adds WordPress and a static site to it as a person would, with bin/coopkit,
// and then looks at them from outside, over DNS and HTTPS only. It knows the
// command line of coopkit and nothing of its inside. Its tests run it against
// small servers and programs that stand for the appliance, and once with the
// real one on a real engine.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"coopkit/internal/problem"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err == nil {
		return
	}
	p := problem.From(err, "demo")
	fmt.Fprintf(os.Stderr, "\ncoopkit: %s [%s]\n", p.What, p.Code)
	if p.Why != "" {
		fmt.Fprintf(os.Stderr, "why: %s\n", p.Why)
	}
	if p.Code == "unexpected" {
		fmt.Fprintf(os.Stderr, "why: %v\n", err)
	}
	for _, next := range p.Next {
		fmt.Fprintf(os.Stderr, "next: %s\n", next)
	}
	if p.Kind == problem.Cancelled {
		os.Exit(130)
	}
	os.Exit(1)
}

func run(ctx context.Context, args []string) error {
	d, err := newDemo(os.Stdout, os.Getenv)
	if err != nil {
		return err
	}
	verb := ""
	if len(args) == 1 {
		verb = args[0]
	}
	switch verb {
	case "up":
		err = d.up(ctx)
	case "down":
		err = d.down(ctx)
	case "clean":
		err = d.clean(ctx)
	default:
		return &problem.Problem{
			Code: "demo-usage", Kind: problem.Invalid,
			What: "the demo knows the words up, down and clean",
			Next: []string{"make demo", "make demo-down"},
		}
	}
	if ctx.Err() != nil {
		return &problem.Problem{
			Code: "demo-interrupted", Kind: problem.Cancelled,
			What: "the demo was interrupted",
			Why:  "what the appliance had begun goes on in the background",
			Next: []string{"make demo, to go on", "make demo-down, to remove everything"},
			Err:  err,
		}
	}
	return err
}
