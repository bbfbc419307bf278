// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"coopkit/internal/problem"
)

// Line is one line of a plan: codes and facts, without a sentence. Package say
// has the words for all Deeds.
type Line struct {
	Verb        Verb   `json:"verb"`
	Kind        Kind   `json:"kind"`
	Name        string `json:"name,omitempty"` // as people know it: a service, a host
	From        string `json:"from,omitempty"` // the value before
	To          string `json:"to,omitempty"`   // the value after
	Destructive bool   `json:"destructive,omitempty"`
}

// String is the line in codes, for logs: "create volume data → coopkit-wiki_data".
func (l Line) String() string {
	s := strings.TrimSpace(string(l.Verb) + " " + string(l.Kind) + " " + l.Name)
	if l.From != "" {
		s += ", was " + l.From
	}
	if l.To != "" {
		s += " → " + l.To
	}
	return s
}

// Note is a warning or hint of a plan, or its way back: a code with the values
// that its words need. The end of an arg's name says how its value is written,
// as locale.Values has it.
type Note struct {
	Code NoteCode          `json:"code"`
	Args map[string]string `json:"args,omitempty"`
	// Command does it at a terminal; empty where no command does.
	Command string `json:"command,omitempty"`
}

// PlanStep is one step of the job that carries a plan out: in its place, with
// its name, code and args.
type PlanStep struct {
	Name string            `json:"name"`
	Code StepCode          `json:"code"`
	Args map[string]string `json:"args,omitempty"`
	// Destructive is set when it deletes data.
	Destructive bool `json:"destructive,omitempty"`
	// Fails says what becomes of the change when this step fails.
	Fails Failure `json:"fails"`
}

// Failure is what becomes of a change when one of its steps fails.
type Failure string

// The failures. Package say has the words for each.
const (
	FailNothing Failure = "nothing" // nothing was changed before it
	FailUndone  Failure = "undone"  // what was done is put back
	FailAgain   Failure = "again"   // it is tried until it works
	FailSkipped Failure = "skipped" // the change holds without it
)

// Failures are all of them.
var Failures = []Failure{FailNothing, FailUndone, FailAgain, FailSkipped}

// Space is what a change does to the disk, in bytes; 0 is not known, or nothing.
type Space struct {
	Needs uint64 `json:"needs_bytes,omitempty"` // at most, while it goes on and afterwards
	Frees uint64 `json:"frees_bytes,omitempty"`
	Free  uint64 `json:"free_bytes,omitempty"` // now
}

// Plan is what a change would do, before anybody agreed to it. Hash changes
// when the plan does, so that agreeing to an old plan can be refused.
type Plan struct {
	Kind    Change `json:"kind"`
	Subject string `json:"subject"`
	// Args are facts of the kind: values in its words, besides the subject's name.
	Args    map[string]string `json:"args,omitempty"`
	Steps   []PlanStep        `json:"steps,omitempty"` // of its job, in order; none: it is done when the call returns
	Lines   []Line            `json:"lines"`
	Notes   []Note            `json:"notes,omitempty"` // warnings that do not stop it, records to set by hand …
	WayBack Note              `json:"way_back"`        // how to undo it
	Space   Space             `json:"space,omitzero"`
	Hash    string            `json:"hash"`
}

// Seal returns the plan with its hash set, from what it would do; notes do not
// count.
func (p Plan) Seal() Plan {
	b, err := json.Marshal([]any{p.Kind, p.Subject, p.Args, p.Lines})
	if err != nil { // strings and booleans always encode
		b = []byte(err.Error())
	}
	sum := sha256.Sum256(b)
	p.Hash = hex.EncodeToString(sum[:8])
	return p
}

// Agreed refuses a hash that is not this plan's. An empty one agrees to
// anything: scripts that did not look at the plan give it.
func (p Plan) Agreed(hash string) error {
	if hash == "" || hash == p.Hash {
		return nil
	}
	return &problem.Problem{
		Code: "plan-changed", Kind: problem.Conflict,
		What: "the plan is not the same any more, so nothing was changed",
		Why:  "something on the box changed since the plan was shown",
		Next: []string{"look at the new plan, then agree again"},
	}
}
