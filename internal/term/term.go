// SPDX-License-Identifier: AGPL-3.0-or-later

// Package term owns how a command meets a person: streams and what is known of
// them, tables, questions, errors and exit codes. It knows nothing of single
// commands, and of nobody whom they ask. The scripts of the command line run all
// of it; its own tests are tables.
package term

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Terminal is where a command reads and writes, and what is known of it.
// Nothing in it is global.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer

	InTerminal  bool // a person can be asked
	OutTerminal bool // Out is read by a person now
	Color       bool // Out takes colours
	ErrColor    bool // Err takes colours
	Debug       bool // show the causes of errors

	JSON bool // one JSON document on Out, nothing else

	// AfterStop is what to do after a command was stopped before its end, before
	// running it again.
	AfterStop []string
}

// New returns the terminal of a process. getenv is os.Getenv, or a test's.
func New(in io.Reader, out, errOut io.Writer, getenv func(string) string) *Terminal {
	colour := getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	return &Terminal{
		In: in, Out: out, Err: errOut,
		InTerminal: IsTerminal(in), OutTerminal: IsTerminal(out),
		Color: colour && IsTerminal(out), ErrColor: colour && IsTerminal(errOut),
		Debug: getenv("COOPKIT_DEBUG") != "",
	}
}

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Live tells whether progress can be drawn over itself: Out is a terminal that
// knows its size (some serial lines do not).
func (t *Terminal) Live() bool {
	_, ok := Width(t.Out)
	return ok && t.OutTerminal && !t.JSON
}

// Width is how many columns the terminal behind a stream has, if it is one.
func Width(stream any) (columns int, ok bool) {
	f, ok := stream.(*os.File)
	if !ok {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	return columns, err == nil && columns > 0
}

// Say writes for people; with --json it writes nothing.
func (t *Terminal) Say(format string, args ...any) error {
	if t.JSON {
		return nil
	}
	_, err := fmt.Fprintf(t.Out, format, args...)
	return err
}

// Show writes v as the one JSON document with --json, and lets people show it
// otherwise.
func (t *Terminal) Show(v any, people func() error) error {
	if !t.JSON {
		return people()
	}
	return writeJSON(t.Out, v)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Style is how a word stands out.
type Style string

// The styles, as ANSI codes. Colour is never the only sign of anything.
const (
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
)

// Paint puts s in a style where Out takes colours.
func (t *Terminal) Paint(style Style, s string) string { return paint(t.Color, style, s) }

func paint(on bool, style Style, s string) string {
	if !on {
		return s
	}
	return "\x1b[" + string(style) + "m" + s + "\x1b[0m"
}
