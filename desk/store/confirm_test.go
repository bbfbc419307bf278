// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"testing"
	"time"

	"coopkit/desk"
)

// A box is not missed for the time before somebody has compared the words.
func TestConfirm_waitsForTheFirstReport(t *testing.T) {
	r := open(t)
	b := r.enrolled("mill", "bakery", "kestrel", false)
	report, raw, body := b.report(sample(1))
	_, err := b.Receive(t.Context(), &report, raw, body)
	isProblem(t, err, "box-pending")
	level := func() Level {
		t.Helper()
		f, err := r.as(desk.Technician, "kestrel").Fleet(t.Context(), FleetFilter{})
		if err != nil || len(f.Rows) != 1 {
			t.Fatalf("the fleet is %+v, %v", f, err)
		}
		return f.Rows[0].Level
	}
	r.clock.pass(time.Hour)
	if got := level(); got != LevelPending {
		t.Errorf("before it is confirmed it is %s", got)
	}
	if err := r.as(desk.Technician, "kestrel").Confirm(t.Context(), b.id); err != nil {
		t.Fatal(err)
	}
	if got := level(); got != LevelFine {
		t.Errorf("when it is confirmed it is %s", got)
	}
	r.again(0) // a desk that starts again knows since when
	if got := level(); got != LevelFine {
		t.Errorf("after a restart it is %s", got)
	}
	r.clock.pass(time.Hour)
	if got := level(); got != LevelSilent {
		t.Errorf("after an hour of silence it is %s", got)
	}
}
