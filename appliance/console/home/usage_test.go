// SPDX-License-Identifier: AGPL-3.0-or-later

package home_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area/areatest"
)

func TestHome_drawsWhatTheBoxUses(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	now := 1.6e9
	memory := appliance.Course{Now: &now, Whole: 4e9, Points: []appliance.CoursePoint{
		{At: areatest.Now.Add(-40 * time.Minute), Mean: 1.5e9, Min: 1.4e9, Max: 2.1e9}, {At: areatest.Now.Add(-39 * time.Minute), Mean: 1.6e9, Min: 1.5e9, Max: 1.7e9},
	}}
	box.Answer("GET /v1/usage", appliance.Usage{
		Span: appliance.LastHour, From: areatest.Now.Add(-time.Hour), To: areatest.Now, SlotS: 60,
		Memory: memory, Processor: appliance.Course{Whole: 1, Points: []appliance.CoursePoint{{At: areatest.Now.Add(-time.Minute), Mean: 0.1, Max: 0.2}}}, Disk: appliance.Course{},
	})
	c := serve(t, box)
	page := c.Get(t, "/?span=hour")
	if n := len(page.All("#usage .charts figure")); n != 3 {
		t.Fatalf("%d charts", n)
	}
	if n := len(page.All("#usage svg[role=img]")); n != 2 {
		t.Errorf("%d drawings: what was never measured has none", n)
	}
	for _, want := range []string{
		"Memory: 1.6 GB of 4 GB now, 2.1 GB at most in the last hour", "not measured now", "Disk: not measured yet", "Nothing was measured in this time.",
	} {
		if got := page.Text(t, "#usage"); !strings.Contains(got, want) {
			t.Errorf("it does not say %q: %s", want, got)
		}
	}
	if page.Value(t, "#usage .chips a[aria-current=page]", "aria-current") == "" || len(page.All("#usage .chips a[href=/?span=month#usage]")) != 1 {
		t.Error("no way to other spans")
	}
	if got := page.Value(t, ".glance a[href=#usage]", "href"); got == "" {
		t.Error("the glance does not lead to it")
	}
	box.Fail("GET /v1/usage", errors.New("away"))
	if page := c.Get(t, "/"); len(page.All("#usage")) != 0 {
		t.Error("without figures there is a part for them")
	}
}

func TestHome_asksTheBoxItself(t *testing.T) {
	t.Parallel()
	page := serve(t, withApps(t)).Get(t, "/")
	if got := page.Text(t, "#usage"); !strings.Contains(got, "Memory: ") || !strings.Contains(got, " now") {
		t.Errorf("the first figures are not there: %s", got)
	}
}
