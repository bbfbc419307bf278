// SPDX-License-Identifier: AGPL-3.0-or-later

// Package cli has the commands of the desk: serve, and what somebody with
// access to its machine does beside it: accounts, co-ops, invitations, boxes.
// It asks the desk that runs, or is the desk for a moment where none runs. It
// never knows the appliance. Its tests run the commands on a real desk.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"coopkit/desk/serve"
)

// DefaultState is where a desk keeps its records unless told otherwise.
const DefaultState = "/var/lib/coopkit-desk"

// options is what the commands share.
type options struct {
	in       io.Reader
	out, err io.Writer
	state    string
}

// New returns the noun "desk" with its verbs.
func New(in io.Reader, out, errOut io.Writer) *cobra.Command {
	o := &options{in: in, out: out, err: errOut}
	cmd := &cobra.Command{
		Use:   "desk",
		Short: "Run a support desk, and look after it",
		Long: "A desk is where IT co-ops see how the boxes of many co-ops are. It only listens:\n" +
			"it cannot run, read or change anything on a box.",
	}
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	cmd.PersistentFlags().StringVar(&o.state, "state", DefaultState, "folder for everything that the desk keeps")
	cmd.AddCommand(newServe(o), newUser(o), newCoop(o), newInvite(o), newBox(o))
	return cmd
}

// with runs fn with the desk of the state folder.
func (o *options) with(ctx context.Context, create bool, fn func(context.Context, *serve.Client) error) error {
	log := slog.New(slog.NewTextHandler(o.err, &slog.HandlerOptions{Level: slog.LevelError}))
	c, err := serve.Connect(ctx, o.state, create, log)
	if err != nil {
		return err
	}
	return errors.Join(fn(ctx, c), c.Close())
}

// asJSON reports whether the program's flag --json was given.
func asJSON(cmd *cobra.Command) bool {
	f := cmd.Flag("json")
	return f != nil && f.Value.String() == "true"
}

// show writes v as JSON with --json, and lets people read it otherwise.
func (o *options) show(cmd *cobra.Command, v any, people func() error) error {
	if !asJSON(cmd) {
		return people()
	}
	enc := json.NewEncoder(o.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

func (o *options) say(format string, args ...any) error {
	_, err := fmt.Fprintf(o.out, format, args...)
	return err
}

// table writes rows under head, or the sentence empty.
func (o *options) table(head string, rows [][]string, empty string) error {
	if len(rows) == 0 {
		return o.say("%s\n", empty)
	}
	w := tabwriter.NewWriter(o.out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, strings.ReplaceAll(head, " ", "\t"))
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
		}
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// printable keeps what boxes and people wrote from changing the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// stopped returns a context that ends with ctx or a signal to stop.
func stopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
}

// newLog writes for people on a terminal, and JSON otherwise.
func newLog(w io.Writer, level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}
