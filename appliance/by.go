// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import "context"

// ByKind is the kind of whoever asked for a change. Package say has the words.
type ByKind string

// Who asks for changes. The zero value is not known: jobs that an older program
// recorded have it.
const (
	ByPerson  ByKind = "person"  // signed in to the console; By has the name
	ByCommand ByKind = "command" // somebody at the command line of the box
	ByBox     ByKind = "box"     // nobody: the box does it by itself
	ByDesk    ByKind = "desk"    // somebody at the support desk; By has the name
)

// ByKinds are all that are known.
var ByKinds = []ByKind{ByPerson, ByCommand, ByBox, ByDesk}

// By is who asked for a change.
type By struct {
	Kind ByKind `json:"kind"`
	Name string `json:"name,omitempty"`
}

type byKey struct{}

// WithBy returns a context for what by asks for.
func WithBy(ctx context.Context, by By) context.Context { return context.WithValue(ctx, byKey{}, by) }

// ByOf is who asks for what is done in this context: the box itself unless
// WithBy said otherwise.
func ByOf(ctx context.Context) By {
	if by, ok := ctx.Value(byKey{}).(By); ok {
		return by
	}
	return By{Kind: ByBox}
}
