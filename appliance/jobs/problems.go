// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// stopped is why a job that a person stopped did not end well.
var stopped = &problem.Problem{
	Code: "job-stopped", Kind: problem.Failed,
	What: "the change was stopped, and what it had done was put back",
	Why:  "somebody asked for it while it ran",
	Next: []string{"start the change again whenever you want to"},
}

// interrupted is why a job that a crash found before its commit point goes back.
var interrupted = &problem.Problem{
	Code: "job-interrupted", Kind: problem.Failed,
	What: "the agent ended in the middle of this change, so the change was undone",
	Why:  "a restart, a crash or a power cut",
	Next: []string{"try the change again"},
}

// lost is why a job cannot be taken up after a crash.
var lost = &problem.Problem{
	Code: "job-lost", Kind: problem.Failed,
	What: "a change was interrupted and cannot be taken up again",
	Why:  "its steps could not be worked out from its record",
	Next: []string{"coopkit doctor", "ask your support desk"},
}

// Busy is the Problem of a job whose subject another one is changing.
func Busy(j appliance.Job) error {
	return &problem.Problem{
		Code: "job-running", Kind: problem.Conflict,
		What: "another change to " + nameOf(j) + " is going on",
		Why:  "one change at a time keeps every change undoable",
		Next: []string{"coopkit job list", "wait until it has ended, then try again"},
		Args: map[string]string{"subject": nameOf(j)},
	}
}

// nameOf is what people call that which a job changes.
func nameOf(j appliance.Job) string {
	_, name, _ := strings.Cut(j.Subject, ":")
	return cmp.Or(j.Args["title"], name, j.Subject)
}

// waitsFor is the Problem of a subject whose last change, j, waits until then.
func waitsFor(j appliance.Job, until time.Time) error {
	number := fmt.Sprint(j.ID)
	return &problem.Problem{
		Code: "job-waiting", Kind: problem.Conflict,
		What: "the last change to " + nameOf(j) + " is not final yet",
		Why:  "job " + number + " waits until " + until.UTC().Format("2006-01-02 15:04 UTC") + "; until then it can go back",
		Next: []string{
			"to make it final now: coopkit job finish " + number,
			"to have it go back: coopkit job stop " + number,
			"or wait until then, and try again",
		},
		Args: map[string]string{"subject": nameOf(j), "job": number, "until_at": until.UTC().Format(time.RFC3339)},
	}
}

// heldUp is the Problem of a job that can neither go on nor back now.
func heldUp(id appliance.JobID, cause *problem.Problem) error {
	number := fmt.Sprint(id)
	return &problem.Problem{
		Code: "job-held-up", Kind: problem.Unavailable,
		What: "job " + number + " is held up; it goes on by itself as soon as it can",
		Why:  problem.Reason(cause),
		Next: append(append([]string{}, cause.Next...), "to have it try again now: coopkit job finish "+number, "coopkit job show "+number),
		Args: map[string]string{"job": number},
	}
}

func over(id appliance.JobID) error {
	number := fmt.Sprint(id)
	return &problem.Problem{
		Code: "job-over", Kind: problem.Conflict,
		What: "job " + number + " has ended already",
		Why:  "only what runs can be stopped or finished",
		Next: []string{"see how it ended: coopkit job show " + number},
		Args: map[string]string{"job": number},
	}
}

func pastStopping(id appliance.JobID) error {
	number := fmt.Sprint(id)
	return &problem.Problem{
		Code: "job-past-stopping", Kind: problem.Conflict,
		What: "job " + number + " cannot be stopped any more",
		Why:  "it goes back already, or it is past the point up to which everything can be put back",
		Next: []string{"wait until it has ended: coopkit job follow " + number},
		Args: map[string]string{"job": number},
	}
}

func notWaiting(id appliance.JobID) error {
	number := fmt.Sprint(id)
	return &problem.Problem{
		Code: "job-not-waiting", Kind: problem.Conflict,
		What: "job " + number + " does not wait for anybody",
		Why:  "it is at work; only a job that waits can be finished early",
		Next: []string{"coopkit job follow " + number},
		Args: map[string]string{"job": number},
	}
}
