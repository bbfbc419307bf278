// SPDX-License-Identifier: AGPL-3.0-or-later

package apps_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area/areatest"
)

func TestShow_drawsWhatTheAppUses(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	c := console(t, box.Agent())
	memory, processor := 2.96e8, 0.004
	box.Answer("GET /v1/usage", appliance.Usage{
		App: "dokuwiki", Span: appliance.LastMonth, From: areatest.Now.Add(-30 * 24 * time.Hour), To: areatest.Now, SlotS: 3 * 3600,
		Memory:    appliance.Course{Now: &memory, Whole: 5.12e8, Points: []appliance.CoursePoint{{At: areatest.Now.Add(-time.Hour), Mean: 3e8, Min: 2e8, Max: 3.5e8}}},
		Processor: appliance.Course{Now: &processor, Whole: 1},
	})
	page := c.Get(t, "/apps/dokuwiki?span=month")
	for selector, want := range map[string]string{
		"#usage h2": "Memory, processor and disk", "#usage figcaption": "Memory: 296 MB of 512 MB now, 350 MB at most in the last 30 days",
	} {
		if got := page.Text(t, selector); got != want {
			t.Errorf("%s: %q", selector, got)
		}
	}
	for _, want := range []string{"296 MB of 512 MB", "0.4%"} {
		if got := page.Text(t, "aside .sum"); !strings.Contains(got, want) {
			t.Errorf("the facts do not say %q: %s", want, got)
		}
	}
	if len(page.All("#usage .chips a[href=/apps/dokuwiki?span=hour#usage]")) != 1 {
		t.Error("no way to other spans")
	}
	box.Fail("GET /v1/usage", errors.New("away"))
	if page := c.Get(t, "/apps/dokuwiki"); len(page.All("#usage")) != 0 || len(page.All("h1")) != 1 {
		t.Error("without figures the page is another")
	}
}
