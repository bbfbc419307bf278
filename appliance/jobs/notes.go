// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"maps"
	"slices"

	"coopkit/appliance"
)

// AddNote records what a person should know of a step that is done all the same:
// that something could not be checked, for example. The context is that of a Do
// or an Undo; outside of a job nothing happens. The note is in the journal when
// the end of the step is, and the same one is there once.
func AddNote(ctx context.Context, n appliance.Note) {
	w, in := ctx.Value(withinKey{}).(within)
	if !in {
		return
	}
	w.run.outMu.Lock()
	defer w.run.outMu.Unlock()
	if !slices.ContainsFunc(w.run.notes, func(o appliance.Note) bool { return o.Code == n.Code && maps.Equal(o.Args, n.Args) }) {
		w.run.notes = append(w.run.notes, n)
	}
}

// AddFact records what a step did, for people, as AddNote does: how much it
// fetched, what it checked. Args are names and values in turn.
func AddFact(ctx context.Context, code appliance.NoteCode, args ...string) {
	n := appliance.Note{Code: code}
	for i := 0; i+1 < len(args); i += 2 {
		if n.Args == nil {
			n.Args = map[string]string{}
		}
		n.Args[args[i]] = args[i+1]
	}
	AddNote(ctx, n)
}

// takeNotes returns what was noted since the last call.
func (j *run) takeNotes() []appliance.Note {
	j.outMu.Lock()
	defer j.outMu.Unlock()
	notes := j.notes
	j.notes = nil
	return notes
}
