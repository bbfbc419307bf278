// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"time"

	"coopkit/internal/problem"
)

// JobID numbers the jobs of this box, from 1.
type JobID int64

// JobState says how far a job is.
type JobState string

// A job runs, and may wait for a time or a person, then ends in one of the other
// states. Undone means that it failed and everything it had changed was put
// back; Failed means that something could not be put back and a person must
// look.
const (
	JobRunning JobState = "running"
	JobWaiting JobState = "waiting" // its work so far holds; it is decided later whether it stays
	JobDone    JobState = "done"
	JobUndone  JobState = "undone"
	JobFailed  JobState = "failed"
)

// Ended reports whether a job in this state is over.
func (s JobState) Ended() bool { return s != JobRunning && s != JobWaiting }

// StepState says how far a step of a job is.
type StepState string

// The states of a step, in the order in which they can follow each other.
const (
	StepTodo    StepState = "todo"
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepBad     StepState = "bad"    // failed
	StepUndone  StepState = "undone" // done (or tried), then put back
)

// Job is one change to the box: a list of steps in a journal. One job runs for
// a subject at a time, and every job survives kill -9: before its commit point
// it is undone, after it finished.
type Job struct {
	ID      JobID  `json:"id"`
	Kind    Change `json:"kind"`
	Subject string `json:"subject"` // what it changes: "app:wordpress", "site:demo.coop"
	// Args are the values in the words about it, besides the subject: "title" is
	// what people called an app when the job began.
	Args     map[string]string `json:"args,omitempty"`
	By       By                `json:"by,omitzero"` // who asked for it; zero: not known
	State    JobState          `json:"state"`
	Steps    []JobStep         `json:"steps"`
	Problem  *problem.Problem  `json:"problem,omitempty"` // why it did not end well; while it runs, why it goes back or what holds it up
	Created  time.Time         `json:"created"`
	Finished time.Time         `json:"finished,omitzero"`
	Until    time.Time         `json:"until,omitzero"` // of a job that waits: when it goes on by itself

	// Stoppable is set while a person can still have the job go back.
	Stoppable bool `json:"stoppable,omitempty"`
	// HeldUp is set while the job can neither go on nor back because of Problem;
	// it tries again by itself.
	HeldUp bool `json:"held_up,omitempty"`
}

// JobStep is one named step.
type JobStep struct {
	Name string   `json:"name"` // stable slug, unique within the job
	Code StepCode `json:"code"` // what it does; jobs of the first version have a sentence here
	// Args are the values in the words for the code.
	Args     map[string]string `json:"args,omitempty"`
	State    StepState         `json:"state"`
	Detail   string            `json:"detail,omitempty"` // one line of fact
	Notes    []Note            `json:"notes,omitempty"`  // what a person should know of it
	Started  time.Time         `json:"started,omitzero"`
	Finished time.Time         `json:"finished,omitzero"`
}

// JobEvent is one thing that happened in a job, for live views. Events are
// numbered per job from 1 without gaps, so a reader that reconnects can go on
// after the last one it saw. Of a long log only the first and the last lines
// stay; one event then stands for those that are gone, with the number of the
// last of them.
type JobEvent struct {
	Job   JobID     `json:"job"`
	Seq   int64     `json:"seq"`
	Time  time.Time `json:"time"`
	Step  string    `json:"step,omitempty"`  // name of the step it belongs to
	State StepState `json:"state,omitempty"` // set when the step changed state
	Text  string    `json:"text,omitempty"`  // a line of the job's log
	Done  int64     `json:"done,omitempty"`  // progress of the step, in Unit
	Total int64     `json:"total,omitempty"`
	Until time.Time `json:"until,omitzero"` // set when the job begins to wait
	Gone  int64     `json:"gone,omitempty"` // so many events stood here
	End   JobState  `json:"end,omitempty"`  // set on the last event
}

// Progress takes what a long step has to tell while it runs. Implementations
// are safe for concurrent use and never block for long.
type Progress interface {
	// Log adds one line of text, without its line end.
	Log(line string)
	// Advance says how much of the step is done; total 0 means unknown.
	Advance(done, total int64)
}

// Quiet is a Progress that drops everything.
type Quiet struct{}

// Log does nothing.
func (Quiet) Log(string) {}

// Advance does nothing.
func (Quiet) Advance(int64, int64) {}
