// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"coopkit/appliance/console/area"
	"coopkit/appliance/control"
	"coopkit/appliance/control/controltest"
	"coopkit/internal/webkit"
)

// rig is this area in front of an agent in memory.
type rig struct {
	box  *controltest.Fake
	http http.Handler
	now  time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{box: controltest.New(), now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	both := []fs.FS{area.Files(), Files()}
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
	routes(area.Deps{UI: ui, Box: r.box, Log: slog.New(slog.DiscardHandler), Now: now}, pace{10 * time.Millisecond, 40 * time.Millisecond, 25 * time.Millisecond})
	r.http = ui.Router().Handler()
	return r
}

// withApp adds an app at a host.
func (r *rig) withApp(t *testing.T, recipe, host string) *rig {
	t.Helper()
	if _, err := r.box.Add(t.Context(), control.AddApp{Recipe: recipe, Host: host}); err != nil {
		t.Fatal(err)
	}
	return r
}

// at makes what is found at a host so.
func (r *rig) at(host string, found ...string) {
	r.box.SetCheck(control.NameCheck{Host: host, Want: []string{"192.0.2.7", "2001:db8::7"}, Found: found, OK: len(found) == 2 && found[0] == "192.0.2.7"})
}

type answer struct {
	status int
	to     string
	page   string
	header http.Header
}

func (r *rig) send(t *testing.T, method, path, lang string, pairs ...string) answer {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	q := httptest.NewRequest(method, "https://console.example"+path, strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Accept-Language", lang)
	rec := httptest.NewRecorder()
	r.http.ServeHTTP(rec, q)
	a := answer{rec.Code, rec.Header().Get("Location"), rec.Body.String(), rec.Header()}
	if a.to == "" && strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		a.valid(t)
	}
	return a
}

func (r *rig) get(t *testing.T, path string) answer {
	t.Helper()
	return r.send(t, "GET", path, "en")
}

func (r *rig) post(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	return r.send(t, "POST", path, "en", pairs...)
}

// valid checks what holds for every page: parseable, one h1, unique ids, no key
// for a text.
func (a answer) valid(t *testing.T) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(a.page))
	if err != nil {
		t.Fatal(err)
	}
	ids, h1 := map[string]bool{}, 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "h1" {
			h1++
		}
		for _, at := range n.Attr {
			if at.Key == "id" && ids[at.Val] {
				t.Errorf("the id %q is there twice", at.Val)
			}
			if at.Key == "id" {
				ids[at.Val] = true
			}
		}
	}
	if h1 != 1 {
		t.Errorf("%d h1 on the page", h1)
	}
	if key := regexp.MustCompile(`>[^<]*\b(names|area|webkit|problem)\.[a-z]+[.a-z]*`).FindString(a.page); key != "" {
		t.Errorf("a key is shown: %s", key)
	}
}

func (a answer) value(t *testing.T, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.page)
	if m == nil {
		t.Fatalf("the page has no field %s:\n%s", name, a.page)
	}
	return html.UnescapeString(m[1])
}

func (a answer) want(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d", a.status, status)
	}
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(a.page), text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	if t.Failed() {
		t.Logf("%s", a.page)
	}
}

// label returns the slip of the record with this value, as text.
func (a answer) label(t *testing.T, value string) (class, text string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(a.page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "li" || !strings.HasPrefix(attr(n, "class"), "slip") {
			continue
		}
		var b strings.Builder
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				b.WriteString(d.Data + " ")
			}
		}
		if strings.Contains(b.String(), value+" ") {
			return attr(n, "class"), strings.Join(strings.Fields(b.String()), " ")
		}
	}
	t.Fatalf("no label has %s:\n%s", value, a.page)
	return "", ""
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
