// SPDX-License-Identifier: AGPL-3.0-or-later

package term

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"coopkit/internal/problem"
)

// The exit codes of coopkit; docs/reference/exit-codes.md explains them.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitPartly      = 3
	ExitNotAllowed  = 4
	ExitUnavailable = 5
	ExitInterrupted = 130
)

// ExitError is an error that only sets the exit code: everything has been said.
type ExitError int

// Error says the code.
func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Report tells a person (or, with --json, a program) on Err what went wrong
// and returns the exit code. It is the only place that does.
func (t *Terminal) Report(err error) int {
	if err == nil {
		return ExitOK
	}
	if code, ok := errors.AsType[ExitError](err); ok {
		return int(code)
	}
	p := t.asProblem(err)
	if t.JSON {
		_ = writeJSON(t.Err, p) // nowhere is left to say that it failed
	} else {
		_, _ = io.WriteString(t.Err, t.sentences(p))
	}
	if t.Debug {
		_, _ = fmt.Fprintf(t.Err, "cause: %v\n", err)
	}
	return exitCode(p.Kind)
}

func (t *Terminal) asProblem(err error) *problem.Problem {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	if errors.Is(err, context.Canceled) {
		p := &problem.Problem{
			Code: "interrupted", Kind: problem.Cancelled,
			What: "stopped before the end", Next: []string{"run it again"}, Err: err,
		}
		p.Next = append(t.AfterStop, p.Next...)
		return p
	}
	p := problem.From(err, rand.Text()[:8])
	p.Next = append([]string{"set COOPKIT_DEBUG=1 and run it again to see the cause"}, p.Next...)
	return p
}

func (t *Terminal) sentences(p *problem.Problem) string {
	var b strings.Builder
	b.WriteString(paint(t.ErrColor, Red, "coopkit:") + " " + p.What + " " + paint(t.ErrColor, Dim, "["+p.Code+"]") + "\n")
	if p.Why != "" {
		b.WriteString("why: " + p.Why + "\n")
	}
	for _, n := range p.Next {
		b.WriteString("next: " + n + "\n")
	}
	return b.String()
}

func exitCode(k problem.Kind) int {
	switch k {
	case problem.Invalid:
		return ExitUsage
	case problem.Partial:
		return ExitPartly
	case problem.Forbidden:
		return ExitNotAllowed
	case problem.Unavailable:
		return ExitUnavailable
	case problem.Cancelled:
		return ExitInterrupted
	default:
		return ExitFailed
	}
}

// Usage is the problem of a command that was written wrongly.
func Usage(command, what string, next ...string) error {
	return &problem.Problem{
		Code: "usage", Kind: problem.Invalid, What: what,
		Next: append(next, "see how it is written: "+command+" --help"),
	}
}
