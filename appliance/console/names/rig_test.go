// SPDX-License-Identifier: AGPL-3.0-or-later

package names_test

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/console/names"
	"coopkit/appliance/control"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// agent is what this area asks of a box.
func agent(box control.Agent) names.Agent {
	return names.Agent{Names: box.Names, Redirects: box.Redirects, Apps: box.Apps, Sites: box.Sites, Box: box.Box}
}

// rig is this area in front of a whole agent.
type rig struct {
	box  *agenttest.Box
	http http.Handler
	now  time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{box: agenttest.New(t), now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	both := []fs.FS{area.Files(), say.Files(), names.Files()}
	now := func() time.Time { return r.now }
	ui, err := webkit.New(webkit.Config{
		Name: "console", Templates: both, Messages: both, Log: slog.New(slog.DiscardHandler), Now: now,
		User: func(*http.Request) (webkit.User, bool) {
			return webkit.User{ID: "1", Name: "Amara", Session: "s"}, true
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	names.RoutesAtPace(area.Deps{UI: ui, Log: slog.New(slog.DiscardHandler), Now: now}, agent(r.box.Agent()), 10*time.Millisecond, 40*time.Millisecond, 25*time.Millisecond)
	r.http = ui.Router().Handler()
	return r
}

// withApp adds an app at a host.
func (r *rig) withApp(t *testing.T, recipe, host string) *rig {
	t.Helper()
	r.box.Add(t, recipe, host)
	return r
}

// at makes what is found at a host so.
func (r *rig) at(host string, found ...string) {
	r.box.Answer("GET /v1/names/"+host+"/check", appliance.NameCheck{Host: host, Want: []string{"192.0.2.7", "2001:db8::7"}, Found: found, OK: len(found) == 2 && found[0] == "192.0.2.7"})
}

func (r *rig) send(t *testing.T, method, path, lang string, pairs ...string) *areatest.Page {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	q := httptest.NewRequest(method, "https://console.example"+path, strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Accept-Language", lang)
	return areatest.Serve(t, r.http, q)
}

func (r *rig) get(t *testing.T, path string) *areatest.Page {
	t.Helper()
	return r.send(t, "GET", path, "en")
}

func (r *rig) post(t *testing.T, path string, pairs ...string) *areatest.Page {
	t.Helper()
	return r.send(t, "POST", path, "en", pairs...)
}

// label returns the slip of the record with this value, as text.
func label(t *testing.T, p *areatest.Page, value string) (class, text string) {
	t.Helper()
	for _, n := range p.All("li.slip") {
		var b strings.Builder
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				b.WriteString(d.Data + " ")
			}
		}
		if strings.Contains(b.String(), value+" ") {
			return areatest.Attr(n, "class"), strings.Join(strings.Fields(b.String()), " ")
		}
	}
	t.Fatalf("no label has %s:\n%s", value, p.Source)
	return "", ""
}
