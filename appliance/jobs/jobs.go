// SPDX-License-Identifier: AGPL-3.0-or-later

// Package jobs runs changes to the box as journalled lists of named steps. A
// step is recorded before it is tried, so that after kill -9 at any instant the
// next start knows how far a job came: before its commit point it is undone,
// after it finished. It knows nothing of what the steps do. Its tests kill a
// real process at every step boundary, and fail every write of the journal.
package jobs

import (
	"context"
	"encoding/json"
	"time"

	"coopkit/appliance"
)

// Step is one named step of a job. Do and Undo must be idempotent: after a
// crash they may run again although they had run, or had run in part. Their
// context gives access to the Outputs of the job.
type Step struct {
	Name string             // stable slug, unique within the job; empty: the code
	Code appliance.StepCode // what it does, for people
	Args map[string]string  // the values in the words for the code
	// Do does it. The text of a last p.Log line becomes the step's detail. When
	// it returns WaitUntil, the job waits, and Do is called again later.
	Do func(ctx context.Context, p appliance.Progress) error
	// Undo puts back what Do did, or part of it, or nothing of it; nil when there
	// is nothing to put back. It is tried several times; undoing then goes on in
	// reverse order even when one fails for good, and the job is Failed.
	Undo func(ctx context.Context) error
	// UndoLimit bounds one call of Undo; 0 means DefaultUndoLimit. Putting data
	// back may take hours: such a step says so.
	UndoLimit time.Duration
	// Commit marks the commit point: once this step is recorded as done the job
	// is never undone. The steps that follow are tried again until they work,
	// also after a crash.
	Commit bool
	// Destroys marks a step that deletes data for good, for the plan.
	Destroys bool
	// Optional is for a step after the commit point that the job can do without:
	// when it fails, that is recorded, and the job goes on.
	Optional bool
}

// DefaultUndoLimit bounds one try to undo a step that declares no limit, so that
// a part that hangs cannot keep a job open for ever.
const DefaultUndoLimit = 5 * time.Minute

func (s Step) undoLimit() time.Duration {
	if s.UndoLimit > 0 {
		return s.UndoLimit
	}
	return DefaultUndoLimit
}

// Builder makes the steps of a job from its recorded input. It is called when
// the job starts and again after a crash, and must give the same step names. It
// must not change anything.
type Builder func(ctx context.Context, input json.RawMessage) ([]Step, error)
