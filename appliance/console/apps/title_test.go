// SPDX-License-Identifier: AGPL-3.0-or-later

package apps_test

import (
	"net/http"
	"strings"
	"testing"

	"coopkit/appliance"
)

func TestTitle_isChangedOnItsPage(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	box.AddCalled(t, "Website", "wordpress", "www.demo.coop")
	c := console(t, box.Agent())
	if p := c.Post(t, "/apps/dokuwiki/title", "called", strings.Repeat("x", 61)); p.Status != http.StatusUnprocessableEntity || len(p.Value(t, "#f-called", "value")) != 61 {
		t.Errorf("too long: %d", p.Status)
	}
	if p := c.Post(t, "/apps/dokuwiki/title", "called", " Bakery  handbook "); p.To != "/apps/dokuwiki" {
		t.Errorf("%d %s", p.Status, p.To)
	}
	if h := c.Get(t, "/apps/dokuwiki").Text(t, "h1"); h != "Bakery handbook" {
		t.Errorf("h1 %q", h)
	}
	c.Post(t, "/apps/dokuwiki/title", "called", "website") // as another one: allowed, with a warning
	if h := c.Get(t, "/apps/dokuwiki").Text(t, "h1"); h != "website" {
		t.Errorf("h1 %q", h)
	}
	all, err := box.Agent().Jobs.List(t.Context(), 1)
	if err != nil || all[0].Kind != appliance.ChangeRetitle || all[0].Args["new"] != "website" || all[0].State != appliance.JobDone {
		t.Errorf("%+v, %v", all, err)
	}
}
