// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/term"

	"coopkit/internal/problem"
)

// The parts of coopkit's JSON output that the demo reads.
type (
	status struct {
		PID     int       `json:"pid"`
		Started time.Time `json:"started"`
		HTTPS   string    `json:"https"`
		HTTP    string    `json:"http"`
		DNS     string    `json:"dns"`
		Console string    `json:"console"`
		CA      string    `json:"ca"`
		Engine  string    `json:"engine"`
	}
	app struct {
		Name  string `json:"name"`
		State string `json:"state"`
		URL   string `json:"url"`
	}
	job struct {
		Subject string `json:"subject"`
		State   string `json:"state"`
	}
	zoneName struct {
		Zone string `json:"zone"`
	}
	site struct {
		Host  string `json:"host"`
		Files int    `json:"files"`
		Bytes int64  `json:"bytes"`
	}
	access struct {
		URL   string `json:"url"`
		Token string `json:"token"`
	}
	signin struct {
		URL      string `json:"url"`
		User     string `json:"user"`
		Password string `json:"password"`
	}
)

// command prepares coopkit with the demo's socket. When ctx ends it gets an
// interrupt, so that it can say what goes on without it.
func (d *demo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.program, append([]string{"--socket", d.socket()}, args...)...) //nolint:gosec // our own program
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// tell runs a command that changes something; its lines are shown as they
// come. On a terminal it draws there itself, with progress.
func (d *demo) tell(ctx context.Context, args ...string) error {
	d.note("$ coopkit %s", strings.Join(quote(args), " "))
	lines := &indent{to: d.out}
	cmd := d.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = lines, lines
	if f, ok := d.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		cmd.Stdout, cmd.Stderr = f, f
	}
	return said(args, cmd.Run(), "what it said is above")
}

// ask runs a command that answers with JSON.
func (d *demo) ask(ctx context.Context, answer any, args ...string) error {
	var out, last bytes.Buffer
	args = append(args, "--json")
	cmd := d.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &last
	if err := said(args, cmd.Run(), last.String()); err != nil {
		return err
	}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		return fmt.Errorf("read the answer of coopkit %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// said makes a Problem of a command that failed: its own words are the why.
func said(args []string, err error, words string) error {
	if err == nil {
		return nil
	}
	why := strings.TrimSpace(words)
	if _, ran := errors.AsType[*exec.ExitError](err); !ran || why == "" {
		why = err.Error()
	}
	return &problem.Problem{
		Code: "demo-command-failed", Kind: problem.Failed,
		What: "this command of the demo failed: coopkit " + strings.Join(quote(args), " "),
		Why:  why,
		Next: []string{"put right what it says, then run make demo again: it goes on where it was", "read .demo/agent.log"},
		Err:  err,
	}
}

// quote makes a command line that can be pasted into a shell.
func quote(args []string) []string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if strings.ContainsAny(a, " '\"$&;()") {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return quoted
}

// indent writes each line with a mark before it.
type indent struct {
	to   io.Writer
	open bool // in the middle of a line
}

func (w *indent) Write(p []byte) (int, error) {
	for part := range bytes.Lines(p) {
		if !w.open {
			if _, err := io.WriteString(w.to, "  | "); err != nil {
				return 0, err
			}
		}
		if _, err := w.to.Write(part); err != nil {
			return 0, err
		}
		w.open = part[len(part)-1] != '\n'
	}
	return len(p), nil
}
