// SPDX-License-Identifier: AGPL-3.0-or-later

// Package jobs runs changes to the box as journalled lists of named steps. A
// step is recorded before it is tried, so that after kill -9 at any instant the
// next start knows how far a job came: before its commit point it is undone,
// after it finished. It knows nothing of what the steps do. Its tests kill a
// real process at every step boundary.
package jobs

import (
	"context"
	"encoding/json"

	"coopkit/appliance"
)

// Step is one named step of a job. Do and Undo must be idempotent: after a
// crash they may run again although they had run, or had run in part.
type Step struct {
	Name string             // stable slug, unique within the job; empty: the code
	Code appliance.StepCode // what it does, for people
	Args map[string]string  // the values in the words for the code
	// Do does it. The text of a last p.Log line becomes the step's detail.
	Do func(ctx context.Context, p appliance.Progress) error
	// Undo puts back what Do did, or part of it, or nothing of it; nil when there
	// is nothing to put back. Undoing goes on in reverse order even when one
	// fails; the job is then Failed.
	Undo func(ctx context.Context) error
	// Commit marks the commit point: once this step is done the job is never
	// undone; a crash after it goes on with the steps that follow.
	Commit bool
}

// Builder makes the steps of a job from its recorded input. It is called when
// the job starts and again after a crash, and must give the same step names. It
// must not change anything.
type Builder func(ctx context.Context, input json.RawMessage) ([]Step, error)
