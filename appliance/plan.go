// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"coopkit/internal/problem"
)

// Line is one line of a plan: data that the CLI and the console each render.
type Line struct {
	Verb        string `json:"verb"`           // create, change, remove, keep, start, stop, build, fetch, ask …
	Thing       string `json:"thing"`          // "volume coopkit-wordpress_db"
	From        string `json:"from,omitempty"` // the value before
	To          string `json:"to,omitempty"`   // the value after
	Destructive bool   `json:"destructive,omitempty"`
}

// Plan is what a change would do, before anybody agreed to it. Hash changes
// when the plan does, so that agreeing to an old plan can be refused.
type Plan struct {
	Kind    Change   `json:"kind"`
	Subject string   `json:"subject"`
	Title   string   `json:"title"` // one sentence
	Lines   []Line   `json:"lines"`
	Notes   []string `json:"notes,omitempty"` // warnings that do not stop it, records to set by hand …
	WayBack string   `json:"way_back"`        // how to undo it, one sentence
	Hash    string   `json:"hash"`
}

// Seal returns the plan with its hash set, from what it would do; notes and
// wording do not count.
func (p Plan) Seal() Plan {
	b, err := json.Marshal([]any{p.Kind, p.Subject, p.Lines})
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
