// SPDX-License-Identifier: AGPL-3.0-or-later

// Package term owns how the CLI meets a person: streams and what is known of
// them, tables, questions, errors and exit codes. It knows nothing of single
// commands. The CLI's scripts run all of it; its own tests are tables.
package term

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"coopkit/appliance/control"
	"coopkit/appliance/say"
	"coopkit/internal/locale"
)

// DefaultSocket is where the agent listens unless told otherwise.
const DefaultSocket = "/run/coopkit/coopkit.sock"

// Env is what a command needs of its surroundings: streams, what is known of
// the terminal, and the agent. Nothing in it is global.
type Env struct {
	In       io.Reader
	Out, Err io.Writer

	InTerminal  bool // a person can be asked
	OutTerminal bool // Out is read by a person now
	Color       bool // Out takes colours
	ErrColor    bool // Err takes colours
	Debug       bool // show the causes of errors

	JSON   bool   // one JSON document on Out, nothing else
	Socket string // of the agent

	// Words is the language of plans, notes and steps: that of the process's
	// locale (LC_ALL, LC_MESSAGES, LANG), else English, as all else that is said.
	Words func() *locale.Locale

	// Agent returns the agent. It does not connect yet.
	Agent func() control.Agent
}

// New returns the surroundings of a process. getenv is os.Getenv, or a test's.
func New(in io.Reader, out, errOut io.Writer, getenv func(string) string) *Env {
	colour := getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	e := &Env{
		In: in, Out: out, Err: errOut,
		InTerminal: isTerminal(in), OutTerminal: isTerminal(out),
		Color: colour && isTerminal(out), ErrColor: colour && isTerminal(errOut),
		Debug:  getenv("COOPKIT_DEBUG") != "",
		Socket: cmp.Or(getenv("COOPKIT_SOCKET"), DefaultSocket),
	}
	e.Words = sync.OnceValue(func() *locale.Locale {
		return words(cmp.Or(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG")))
	})
	e.Agent = func() control.Agent { return control.NewClient(e.Socket) }
	return e
}

// words returns the language of a POSIX locale, such as es_ES.UTF-8.
func words(posix string) *locale.Locale {
	b, err := locale.New(say.Files())
	if err != nil {
		panic(err) // they are part of the program, and tests read them
	}
	name, _, _ := strings.Cut(posix, ".")
	name, _, _ = strings.Cut(name, "@")
	return b.Match(strings.ReplaceAll(name, "_", "-"))
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Live tells whether progress can be drawn over itself: Out is a terminal that
// knows its size (some serial lines do not).
func (e *Env) Live() bool {
	f, ok := e.Out.(*os.File)
	if !ok || !e.OutTerminal || e.JSON {
		return false
	}
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && height > 0
}

// Say writes for people; with --json it writes nothing.
func (e *Env) Say(format string, args ...any) error {
	if e.JSON {
		return nil
	}
	_, err := fmt.Fprintf(e.Out, format, args...)
	return err
}

// Show writes v as the one JSON document with --json, and lets people show it
// otherwise.
func (e *Env) Show(v any, people func() error) error {
	if !e.JSON {
		return people()
	}
	return writeJSON(e.Out, v)
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
func (e *Env) Paint(style Style, s string) string { return paint(e.Color, style, s) }

func paint(on bool, style Style, s string) string {
	if !on {
		return s
	}
	return "\x1b[" + string(style) + "m" + s + "\x1b[0m"
}
