// SPDX-License-Identifier: AGPL-3.0-or-later

// Package problem holds errors meant for people: what happened, why, and what
// to do next. It knows nothing of terminals, HTML or HTTP; each of those has
// one renderer of its own. Its tests compare every code in the source tree
// with docs/reference/problems.md.
package problem

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
)

// Kind groups problems by what a caller should do; the CLI turns it into an
// exit code and the control API into an HTTP status.
type Kind string

// The kinds. The empty Kind means Failed.
const (
	Failed      Kind = "failed"      // it was tried and did not work
	Invalid     Kind = "invalid"     // the input is wrong; nothing was changed
	NotFound    Kind = "not-found"   // the thing named does not exist
	Conflict    Kind = "conflict"    // something else stands in the way now
	Partial     Kind = "partial"     // part of it was done
	Forbidden   Kind = "forbidden"   // the caller may not do this
	Unavailable Kind = "unavailable" // a part that is needed does not answer
	Cancelled   Kind = "cancelled"   // a person stopped it
)

// Problem is an error that a member of a co-op can act on.
type Problem struct {
	Code string   `json:"code"`           // stable slug, listed in docs/reference/problems.md
	Kind Kind     `json:"kind,omitempty"` // what a caller should do
	What string   `json:"what"`           // one sentence, no jargon, no full stop
	Why  string   `json:"why,omitempty"`  // the likely cause, if known
	Next []string `json:"next"`           // what to do, most likely to help first; never empty
	Err  error    `json:"-"`              // private cause: logged, never shown
	// Args are the values in the sentences that matter to people, so that they
	// can be said in other languages. The end of a name says how its value is
	// written, as in appliance.Finding.
	Args map[string]string `json:"args,omitempty"`
}

// Error returns what happened and why in one line, for logs.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.What)
	if p.Why != "" {
		b.WriteString(": " + p.Why)
	}
	if p.Err != nil {
		b.WriteString(" (" + p.Err.Error() + ")")
	}
	return b.String()
}

// LogValue is the same line for log/slog, with the private cause.
func (p *Problem) LogValue() slog.Value { return slog.StringValue(p.Error()) }

// Unwrap returns the private cause.
func (p *Problem) Unwrap() error { return p.Err }

// Is reports whether target is a Problem with the same code, so that tests and
// callers can compare with &Problem{Code: …}.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t.Code == p.Code
}

// MarshalJSON writes the public fields only; Next is never null.
func (p *Problem) MarshalJSON() ([]byte, error) {
	type public Problem
	c := public(*p)
	if c.Next == nil {
		c.Next = []string{}
	}
	return json.Marshal(c)
}

// Reason is err in words for the Why of a Problem that it causes: what and why
// of the Problem in its tree, or the error's own text.
func Reason(err error) string {
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		return err.Error()
	}
	if p.Why == "" {
		return p.What
	}
	return p.What + ": " + p.Why
}

// From returns the Problem in err's tree, or one that says the error was
// unexpected and carries id so that the log line can be found. It returns nil
// for a nil error.
func From(err error, id string) *Problem {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return &Problem{
		Code: "unexpected", Kind: Failed,
		What: "something went wrong that we did not foresee (" + id + ")",
		Next: []string{"coopkit doctor", "send this message and the agent's log to your support desk"},
		Err:  err,
	}
}
