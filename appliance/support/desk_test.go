// SPDX-License-Identifier: AGPL-3.0-or-later

package support_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/support"
	"coopkit/desk/wire"
)

// away503 answers that the desk is busy.
func away503(retryAfter string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
}

func says(status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

// TestRun_desksThatLie: whatever answers, nothing is taken for delivered, the
// link says what is wrong, and everything arrives when the desk is itself again.
func TestRun_desksThatLie(t *testing.T) {
	forged, err := json.Marshal(wire.Ack{Ack: 1, NextS: 60, Time: wire.At(time.Unix(1e9, 0)), Answers: make([]byte, 16)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mood  func(http.ResponseWriter, *http.Request) bool
		state appliance.DeskState
		code  string
		again time.Duration // how long until it tries again
	}{
		"forged":      {says(200, string(forged)), appliance.DeskSilent, "desk-not-verified", 11 * time.Minute},
		"garbage":     {says(200, "<html>sign in to the hotel's network</html>"), appliance.DeskSilent, "desk-not-verified", 11 * time.Minute},
		"empty":       {says(200, ""), appliance.DeskSilent, "desk-not-verified", 11 * time.Minute},
		"huge":        {says(200, strings.Repeat("x", 1<<20)), appliance.DeskSilent, "desk-not-verified", 11 * time.Minute},
		"redirect":    {says(302, ""), appliance.DeskSilent, "desk-not-verified", 11 * time.Minute},
		"other 404":   {says(404, "not found"), appliance.DeskSilent, "desk-not-verified", 11 * time.Minute},
		"error":       {says(500, "oops"), appliance.DeskSilent, "desk-unreachable", 11 * time.Minute},
		"suspects":    {says(409, `{"code":"box-suspected","title":"two boxes report"}`), appliance.DeskRefused, "desk-suspects-box", 16 * time.Minute},
		"does not":    {says(400, `{"code":"report-invalid","title":"clock\u0007 is off"}`), appliance.DeskRefused, "desk-refuses", 16 * time.Minute},
		"gone":        {says(404, `{"code":"box-gone","title":"not here"}`), appliance.DeskEnded, "desk-ended-link", 7 * time.Hour},
		"ended":       {says(410, `{"code":"box-left","title":"removed by Ana"}`), appliance.DeskEnded, "desk-ended-link", 7 * time.Hour},
		"pending":     {says(403, `{"code":"box-pending","title":"compare"}`), appliance.DeskPending, "", time.Minute},
		"late answer": {says(409, `{"code":"report-late","title":"late"}`), appliance.DeskSilent, "desk-unreachable", 11 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListener(t)
				b := newBox(t, dbIn(t), l)
				b.join(t, l)
				l.set(func() { l.mood = c.mood })
				b.find("A")
				after(3 * time.Second)
				s := state(t, b)
				code := ""
				if s.Problem != nil {
					code = s.Problem.Code
				}
				if s.State != c.state || code != c.code || s.Waiting == 0 || !s.NextTry.After(time.Now()) {
					t.Errorf("%+v %v", s, s.Problem)
				}
				if s.Problem != nil && strings.Contains(s.Problem.Why, "\a") {
					t.Error("a desk rings the bell")
				}
				l.set(func() { l.mood = nil })
				after(c.again)
				if s := state(t, b); s.State != appliance.DeskLinked || s.Waiting != 0 || s.Problem != nil {
					t.Errorf("later: %+v %v", s, s.Problem)
				}
				if got := strings.Join(l.told(), ", "); got != "facts box, A warning" && got != "facts box, A warning, facts box" {
					t.Errorf("told: %s", got)
				}
				b.stop()
			})
		})
	}
}

// TestReason_doesNothingToATerminal: the words come from outside, and people
// read them on a terminal too.
func TestReason_doesNothingToATerminal(t *testing.T) {
	got := support.Reason("no\x1b[2J\u009b2J", "be\u202ecause\r\n\x00of\u2066 it")
	if want := "no [2J 2J: be cause   of  it"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
