// SPDX-License-Identifier: AGPL-3.0-or-later

package notify_test

import (
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

var (
	closed = finding("APP-NOT-ANSWERING", "app:wiki", appliance.Critical)
	full   = finding("DISK-FULL", "disk:/", appliance.Critical, "APP-NOT-ANSWERING app:wiki")
	soon   = finding("DISK-FILLING", "disk:/", appliance.Warning)
	mild   = finding("REBOOT-NEEDED", "", appliance.Notice)
)

func TestNotify_oneCauseOneMessageAndOneWhenItIsOver(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(soon, mild)
		w.pass(time.Minute)
		w.want() // perhaps its cause is found in a moment
		w.pass(2 * time.Minute)
		w.want("DISK-FILLING disk:/ - Bakery")
		w.pass(5 * time.Hour)
		w.want()
		w.find(mild)
		w.pass(3 * time.Minute)
		w.want() // perhaps it comes back
		w.pass(5 * time.Minute)
		w.want("Solved: DISK-FILLING disk:/ - Bakery")
		w.pass(30 * time.Hour)
		w.want()
	})
}

func TestNotify_theRootCauseIsTold(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(closed)
		w.pass(time.Minute)
		w.find(full) // which explains it
		w.pass(3 * time.Minute)
		w.want("DISK-FULL disk:/ - Bakery")
		w.find(closed) // the disk has room again, and the app is not back yet
		w.pass(time.Minute)
		w.find()
		w.pass(10 * time.Minute)
		w.want("Solved: DISK-FULL disk:/ - Bakery")
	})
}

// What was told and is then explained by something else is not solved.
func TestNotify_whatIsHiddenIsNotOver(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(closed)
		w.pass(3 * time.Minute)
		w.want("APP-NOT-ANSWERING app:wiki - Bakery")
		w.find(full)
		w.pass(30 * time.Minute)
		w.want("DISK-FULL disk:/ - Bakery")
		w.find()
		w.pass(10 * time.Minute)
		w.want("2 things are solved - Bakery")
	})
}

func TestNotify_whatComesAndGoesIsToldOnceInSixHours(t *testing.T) {
	inBubble(t, func(w *world) {
		for range 5 * 2 { // an hour each
			w.find(soon)
			w.pass(30 * time.Minute)
			w.find()
			w.pass(30 * time.Minute)
		}
		w.want("DISK-FILLING disk:/ - Bakery", "Solved: DISK-FILLING disk:/ - Bakery", "DISK-FILLING disk:/ - Bakery", "Solved: DISK-FILLING disk:/ - Bakery")
	})
}

func TestNotify_whatGetsWorseIsToldAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(soon)
		w.pass(3 * time.Minute)
		worse := soon
		worse.Severity = appliance.Critical
		w.find(worse)
		w.pass(time.Second)
		w.want("DISK-FILLING disk:/ - Bakery", "Worse now: DISK-FILLING disk:/ - Bakery")
		w.find(soon)
		w.pass(time.Hour)
		w.find(worse)
		w.pass(time.Hour)
		w.want() // it was as bad before
	})
}

func TestNotify_nightsAreQuietButForWhatIsCritical(t *testing.T) {
	inBubble(t, func(w *world) {
		w.at(20, 50)
		w.find(soon)
		w.at(20, 59)
		w.want("DISK-FILLING disk:/ - Bakery")
		w.at(21, 0)
		w.find()
		w.at(22, 0)
		w.find(finding("MEMORY-LOW", "", appliance.Warning), closed)
		w.at(22, 10)
		w.want("APP-NOT-ANSWERING app:wiki - Bakery")
		w.at(23, 0)
		w.find(finding("MEMORY-LOW", "", appliance.Warning), finding("CLOCK", "", appliance.Warning))
		w.at(6, 59)
		w.want()
		w.at(7, 1) // one message for the night: two began, two are over
		w.want("2 things need attention - Bakery")
		w.pass(12 * time.Hour)
		w.want()
	})
}

func TestNotify_quietHoursCanBeWithinADayOrOff(t *testing.T) {
	inBubble(t, func(w *world) {
		wishes := appliance.Wishes{Person: "ana", Least: appliance.Warning, Quiet: appliance.Hours{On: true, From: 9 * 60, Until: 12 * 60}}
		if err := w.notify.SetWishes(w.t.Context(), wishes); err != nil {
			w.t.Fatal(err)
		}
		w.find(soon)
		w.at(11, 59)
		w.want()
		w.at(12, 1)
		w.want("DISK-FILLING disk:/ - Bakery")
		wishes.Quiet.On = false
		if err := w.notify.SetWishes(w.t.Context(), wishes); err != nil {
			w.t.Fatal(err)
		}
		w.at(3, 0)
		w.find()
		w.at(3, 10)
		w.want("Solved: DISK-FILLING disk:/ - Bakery")
	})
}

func TestNotify_personsChooseHowBadItMustBe(t *testing.T) {
	inBubble(t, func(w *world) {
		wishes := appliance.Wishes{Person: "ana", Least: appliance.Critical}
		if err := w.notify.SetWishes(w.t.Context(), wishes); err != nil {
			w.t.Fatal(err)
		}
		w.find(soon, mild, closed)
		w.pass(5 * time.Minute)
		w.want("APP-NOT-ANSWERING app:wiki - Bakery")
		wishes.Least = appliance.Notice
		if err := w.notify.SetWishes(w.t.Context(), wishes); err != nil {
			w.t.Fatal(err)
		}
		w.pass(5 * time.Minute)
		w.want("2 things need attention - Bakery")
	})
}

func TestNotify_aFloodEndsWithAWord(t *testing.T) {
	inBubble(t, func(w *world) {
		for i := range 30 { // something else each half hour, from nine to midnight; the day after is another
			w.find(finding("APP-NOT-ANSWERING", "app:a"+time.Now().Format("150405"), appliance.Critical))
			w.pass(30 * time.Minute)
			if i == 29 {
				break
			}
		}
		w.mu.Lock()
		n := len(w.received)
		w.mu.Unlock()
		if n != 12 {
			w.t.Errorf("%d messages on one day, want 12", n)
		}
		w.mu.Lock()
		w.received = nil
		w.mu.Unlock()
		w.find(closed)
		w.pass(24 * time.Hour)
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.received) == 0 {
			w.t.Error("the day after, nothing is told of what is still so")
		}
	})
}

func TestNotify_onceAWeekAllIsWellOrNot(t *testing.T) {
	inBubble(t, func(w *world) {
		wishes := appliance.Wishes{Person: "ana", Least: appliance.Warning, Quiet: appliance.Hours{On: true, From: 21 * 60, Until: 7 * 60}}
		weekly := func(day time.Weekday, hour int) {
			wishes.Weekly = appliance.Weekly{On: true, Day: day, Hour: hour}
			if err := w.notify.SetWishes(w.t.Context(), wishes); err != nil {
				w.t.Fatal(err)
			}
		}
		weekly(time.Monday, 8)
		w.pass(5 * time.Minute)
		w.want() // today's hour was over when it was wished
		weekly(time.Tuesday, 8)
		w.at(7, 59)
		w.want()
		w.at(8, 1)
		w.want("All is well - Bakery")
		w.find(soon)
		w.pass(3 * time.Minute)
		w.want("DISK-FILLING disk:/ - Bakery")
		weekly(time.Wednesday, 5) // at night: it waits until seven
		w.at(6, 59)
		w.want()
		w.at(7, 1)
		w.want("This week: 1 thing is open - Bakery")
		w.pass(7*24*time.Hour - time.Hour)
		w.want()
		w.at(7, 1)
		w.want("This week: 1 thing is open - Bakery")
	})
}

func TestNotify_jobsThatEndBadlyAreToldOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		job := appliance.Job{ID: 7, Kind: appliance.ChangeAdd, Subject: "app:wiki", State: appliance.JobRunning, Created: time.Now()}
		set := func(j ...appliance.Job) {
			w.mu.Lock()
			w.jobs = j
			w.mu.Unlock()
			w.notify.Changed()
		}
		old := job
		old.ID, old.State, old.Finished = 3, appliance.JobFailed, time.Now().Add(-time.Hour) // before she was reached
		set(job, old)
		w.pass(5 * time.Minute)
		w.want()
		stopped := job
		stopped.ID, stopped.State, stopped.Finished = 5, appliance.JobUndone, time.Now()
		stopped.Problem = &problem.Problem{Code: "job-stopped", Kind: problem.Failed, What: "a person stopped it", Next: []string{"start it again"}}
		set(job, old, stopped)
		w.pass(5 * time.Minute)
		w.want() // whoever stopped it knows
		job.State, job.Finished = appliance.JobUndone, time.Now()
		set(job, old, stopped)
		w.pass(time.Minute)
		w.want("wiki was not added - Bakery")
		w.pass(3 * 24 * time.Hour)
		w.want()
	})
}

// A box that has just started has not looked yet: what it knew is not over.
func TestNotify_beforeTheFirstLookNothingIsOver(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(soon)
		w.pass(3 * time.Minute)
		w.want("DISK-FILLING disk:/ - Bakery")
		w.mu.Lock()
		w.report = appliance.Report{Findings: []appliance.Finding{}}
		w.mu.Unlock()
		w.pass(time.Hour)
		w.want()
	})
}
