// SPDX-License-Identifier: AGPL-3.0-or-later

package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/control"
)

// TestTitle_standsInEverySentence goes through every page of the console and
// looks for the short name of an app where people read.
func TestTitle_standsInEverySentence(t *testing.T) {
	box := agenttest.New(t)
	add := appliance.AddApp{
		Recipe: "dokuwiki", Name: "members-wiki", Title: "Bakery handbook", Host: "help.demo.coop", Settings: agenttest.Answers(t, "dokuwiki"),
	}
	if _, err := box.Agent().Apps.Add(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Agent().Apps.Stop(t.Context(), "members-wiki"); err != nil {
		t.Fatal(err)
	}
	about := map[string]string{"app": "Bakery handbook", "install": "members-wiki"}
	var found []appliance.Finding
	for _, code := range []string{"BACKUP-NONE", "APP-STOPPED", "APP-NOT-ANSWERING"} {
		found = append(found, appliance.Finding{Code: code, Subject: "app:members-wiki", Severity: appliance.Warning, Who: appliance.You, Since: agenttest.Began, Args: about})
	}
	box.Find(found...)
	h := newHouseOf(t, box.Agent())
	h.signIn(t)
	seen := map[string]bool{}
	for todo := []string{"/"}; len(todo) > 0; todo = todo[1:] {
		path := todo[0]
		if path, _, _ = strings.Cut(path, "#"); seen[path] || strings.Contains(path, "lang=") || strings.Contains(path, "theme=") {
			continue
		}
		seen[path] = true
		p := h.get(t, path)
		for _, n := range p.All("a") {
			if to := areatest.Attr(n, "href"); strings.HasPrefix(to, "/") {
				todo = append(todo, to)
			}
		}
		for _, n := range append(p.All("main"), p.All("title")...) {
			if text := read(n); strings.Contains(strings.ReplaceAll(text, add.Title, ""), "members-wiki") {
				t.Errorf("%s: %s", path, text)
			}
		}
	}
	for _, path := range []string{"/apps/members-wiki", "/apps/members-wiki/remove", "/activity", "/jobs/1", "/findings", "/findings/BACKUP-NONE/app:members-wiki", "/leave"} {
		if !seen[path] {
			t.Errorf("%s was not looked at", path)
		}
		if !strings.Contains(h.get(t, path).Text(t, "main"), add.Title) {
			t.Errorf("%s does not say %s", path, add.Title)
		}
	}
}

// read is what people read: not what is for technicians or for commands.
func read(n *html.Node) string {
	switch {
	case n.Type == html.TextNode && !strings.HasPrefix(n.Data, "In a terminal:"):
		return n.Data + " "
	case n.Data == "pre" || n.Data == "code" || n.Data == "details" || n.Data == "noscript":
		return ""
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(read(c))
	}
	return b.String()
}

// asked remembers who asked for something.
type asked struct {
	control.Apps
	by appliance.By
}

func (a *asked) Stop(ctx context.Context, _ appliance.InstallName) (appliance.Job, error) {
	a.by = appliance.ByOf(ctx)
	return appliance.Job{ID: 1}, nil
}

func TestChanges_areAskedForInThePersonsName(t *testing.T) {
	box := agenttest.New(t)
	agent, apps := box.Agent(), &asked{Apps: box.Agent().Apps}
	agent.Apps = apps
	h := newHouseOf(t, agent)
	h.signIn(t)
	h.post(t, "/apps/wiki/stop", nil)
	if want := (appliance.By{Kind: appliance.ByPerson, Name: "Amara"}); apps.by != want {
		t.Errorf("asked for by %+v", apps.by)
	}
}

// signIn signs Amara in.
func (h *house) signIn(t *testing.T) {
	t.Helper()
	h.steward(t)
	req := httptest.NewRequest(http.MethodPost, "https://console.example/signin", strings.NewReader(url.Values{"name": {"amara"}, "password": {"bread rises twice"}}.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	h.console.Handler().ServeHTTP(rec, req)
	if h.cookies = rec.Result().Cookies(); rec.Code != http.StatusSeeOther || len(h.cookies) == 0 {
		t.Fatalf("signing in: %d\n%s", rec.Code, rec.Body)
	}
}

func (h *house) get(t *testing.T, path string) *areatest.Page {
	t.Helper()
	return h.serve(t, httptest.NewRequest(http.MethodGet, "https://console.example"+path, nil))
}

func (h *house) post(t *testing.T, path string, form url.Values) *areatest.Page {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://console.example"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.serve(t, r)
}

func (h *house) serve(t *testing.T, r *http.Request) *areatest.Page {
	t.Helper()
	for _, c := range h.cookies {
		r.AddCookie(c)
	}
	return areatest.Serve(t, h.console.Handler(), r)
}
