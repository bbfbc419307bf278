// SPDX-License-Identifier: AGPL-3.0-or-later

// Package base owns what every command of the appliance is given: the terminal,
// the agent that it asks, and the language of what the agent plans. It knows
// nothing of single commands. Its tests are the CLI's scripts, which run all of it.
package base

import (
	"cmp"
	"io"
	"strings"
	"sync"

	"coopkit/appliance/control"
	"coopkit/appliance/say"
	"coopkit/internal/locale"
	"coopkit/internal/term"
)

// DefaultSocket is where the agent listens unless told otherwise.
const DefaultSocket = "/run/coopkit/coopkit.sock"

// Env is what a command needs of its surroundings. Nothing in it is global.
type Env struct {
	*term.Terminal

	Socket string // of the agent

	// Words is the language of plans, notes and steps: that of the process's
	// locale (LC_ALL, LC_MESSAGES, LANG), else English, as all else that is said.
	Words func() *locale.Locale

	// Agent returns the agent. It does not connect yet.
	Agent func() control.Agent
}

// New returns the surroundings of a process. getenv is os.Getenv, or a test's.
func New(in io.Reader, out, errOut io.Writer, getenv func(string) string) *Env {
	e := &Env{Terminal: term.New(in, out, errOut, getenv), Socket: cmp.Or(getenv("COOPKIT_SOCKET"), DefaultSocket)}
	e.AfterStop = []string{"coopkit job list"}
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
