// SPDX-License-Identifier: AGPL-3.0-or-later

package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area/areatest"
)

// What waits for the steward is counted once, where it is, and all of it in the
// tab of the browser.
func TestNav_countsWhatWaitsOnce(t *testing.T) {
	box := agenttest.New(t)
	find := func(code, subject string, s appliance.Severity, who appliance.Actor) appliance.Finding {
		return appliance.Finding{Code: code, Subject: subject, Severity: s, Who: who, What: "x", Next: []string{"y"}, Since: areatest.Now}
	}
	box.Find(
		find("SERVICE-STOPPED", "app:wiki", appliance.Critical, appliance.You), find("APP-STOPPED", "app:files", appliance.Notice, appliance.You),
		find("DISK-FILLING", "disk:/", appliance.Warning, appliance.You), find("NOTIFY-FAILED", "messages:mail/ana", appliance.Warning, appliance.You),
		find("DESK-REFUSED", "desk:desk.example", appliance.Warning, appliance.YourITCoop),
	)
	h := newHouseOf(t, box.Agent())
	page := h.asSteward(t, "/apps")
	for href, want := range map[string]string{
		"/": "Home1 waiting for you", "/apps": "Apps1 waiting for you", "/names": "Names", "/settings": "Settings1 waiting for you", "/activity": "Activity",
	} {
		if got := page.Text(t, ".shell nav a[href="+href+"]"); got != want {
			t.Errorf("%s: %q, want %q", href, got, want)
		}
	}
	if got := page.Text(t, "title"); !strings.HasPrefix(got, "(3) ") {
		t.Errorf("title %q", got)
	}
	if got := page.Value(t, "link[rel=icon]", "href"); !strings.Contains(got, "mark-waiting") {
		t.Errorf("icon %q", got)
	}
	box.Find()
	page = h.asSteward(t, "/apps")
	if got := page.Text(t, "title") + page.Value(t, "link[rel=icon]", "href"); strings.HasPrefix(got, "(") || strings.Contains(got, "waiting") {
		t.Errorf("nothing waits, and the tab says %q", got)
	}
}

// asSteward asks for a page with a session.
func (h house) asSteward(t *testing.T, path string) *areatest.Page {
	t.Helper()
	if first, err := h.accounts.FirstRun(t.Context()); err != nil || first {
		h.steward(t)
	}
	form := strings.NewReader("name=amara&password=bread+rises+twice")
	r := httptest.NewRequest(http.MethodPost, "https://console.example/signin", form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	h.console.Handler().ServeHTTP(rec, r)
	r = httptest.NewRequest(http.MethodGet, "https://console.example"+path, nil)
	for _, c := range rec.Result().Cookies() {
		r.AddCookie(c)
	}
	return areatest.Serve(t, h.console.Handler(), r)
}
