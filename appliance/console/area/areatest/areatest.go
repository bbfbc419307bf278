// SPDX-License-Identifier: AGPL-3.0-or-later

// Package areatest serves areas of the console over a whole agent, asks for
// their pages as a signed-in person does, and checks of every page what must
// hold for all: no key for a text, nothing inline, headings in order, ids once,
// labels on fields. Tests alone import it; they are its tests.
package areatest

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// Now is what the clock of a console of these tests says: half a minute after
// the clock of agenttest begins.
var Now = time.Date(2026, 11, 23, 9, 0, 30, 0, time.UTC)

// Console is some areas of the console, over a Backend.
type Console struct {
	Handler http.Handler
	UI      *webkit.UI
	Lang    string // of the browser; empty: en
}

// New serves areas. Files are their templates and messages, those of package
// area are there already.
func New(t *testing.T, files []fs.FS, routes ...func(area.Deps)) *Console {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	files = append([]fs.FS{area.Files(), say.Files()}, files...)
	ui, err := webkit.New(webkit.Config{
		Name: "console", Templates: files, Messages: files, Log: log, Now: func() time.Time { return Now },
		User: func(*http.Request) (webkit.User, bool) { return webkit.User{ID: "1", Name: "Amara Osei"}, true },
		Frame: func(_ *http.Request, p *webkit.Page) {
			p.Brand = webkit.Brand{Name: "Lantern Street Bakery", Sub: "Coopkit console", Href: "/"}
			p.Nav = []webkit.NavItem{{Text: "Home", Href: "/", Icon: "home"}, {Text: "Apps", Href: "/apps", Icon: "apps", Here: true}, {Text: "Sites", Href: "/sites", Icon: "globe"}}
			p.Version, p.Help = "test", "/help"
			p.In(time.UTC)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, add := range routes {
		add(area.Deps{UI: ui, Log: log, Now: func() time.Time { return Now }})
	}
	return &Console{Handler: ui.Router().Handler(), UI: ui}
}

// Get asks for a page.
func (c *Console) Get(t *testing.T, path string) *Page {
	t.Helper()
	return c.do(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://console.example"+path, nil))
}

// Post sends a form: pairs of names and values.
func (c *Console) Post(t *testing.T, path string, form ...string) *Page {
	t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	return c.Send(t, path, values)
}

// Send sends a form.
func (c *Console) Send(t *testing.T, path string, form url.Values) *Page {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://console.example"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return c.do(t, r)
}

func (c *Console) do(t *testing.T, r *http.Request) *Page {
	t.Helper()
	if c.Lang != "" {
		r.Header.Set("Accept-Language", c.Lang)
	}
	return Serve(t, c.Handler, r)
}

// Serve asks h for a page. If it answers with HTML, what holds for every page
// of the console is checked.
func Serve(t *testing.T, h http.Handler, r *http.Request) *Page {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	p := &Page{Path: r.Method + " " + r.URL.RequestURI(), Status: rec.Code, To: rec.Header().Get("Location"), Header: rec.Header(), Source: rec.Body.String()}
	root, err := html.Parse(strings.NewReader(p.Source))
	if err != nil {
		t.Fatalf("%s: %v", p.Path, err)
	}
	p.root = root
	if strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") && rec.Code != http.StatusSeeOther {
		p.check(t)
	}
	return p
}

// Page is the answer to a request.
type Page struct {
	Path   string
	Status int
	To     string // where a redirect leads
	Header http.Header
	Source string
	root   *html.Node
}

// All returns what a selector finds: tags, #ids, .classes and [attribute=value]
// together, a space for "inside of".
func (p *Page) All(selector string) []*html.Node {
	found := []*html.Node{p.root}
	for part := range strings.FieldsSeq(selector) {
		var next []*html.Node
		seen := map[*html.Node]bool{}
		for _, n := range found {
			for d := range n.Descendants() {
				if d.Type == html.ElementNode && matches(d, part) && !seen[d] {
					seen[d] = true
					next = append(next, d)
				}
			}
		}
		found = next
	}
	return found
}

var simple = regexp.MustCompile(`^[a-z0-9]+|[.#][A-Za-z0-9_-]+|\[[^\]]+\]`)

func matches(n *html.Node, selector string) bool {
	for _, s := range simple.FindAllString(selector, -1) {
		switch s[0] {
		case '.':
			if !strings.Contains(" "+Attr(n, "class")+" ", " "+s[1:]+" ") {
				return false
			}
		case '#':
			if Attr(n, "id") != s[1:] {
				return false
			}
		case '[':
			name, want, exact := strings.Cut(strings.Trim(s, "[]"), "=")
			if got, ok := attr(n, name); !ok || exact && got != want {
				return false
			}
		default:
			if n.Data != s {
				return false
			}
		}
	}
	return true
}

// Text is the text of the first thing that the selector finds, with single
// spaces; the test fails if there is none.
func (p *Page) Text(t *testing.T, selector string) string {
	t.Helper()
	found := p.All(selector)
	if len(found) == 0 {
		t.Errorf("%s has no %s:\n%s", p.Path, selector, p.Source)
		return ""
	}
	return TextOf(found[0])
}

// Value is an attribute of the first thing that the selector finds.
func (p *Page) Value(t *testing.T, selector, name string) string {
	t.Helper()
	found := p.All(selector)
	if len(found) == 0 {
		t.Errorf("%s has no %s:\n%s", p.Path, selector, p.Source)
		return ""
	}
	return Attr(found[0], name)
}

// Want checks the status, and that the page has these texts in its source.
func (p *Page) Want(t *testing.T, status int, texts ...string) {
	t.Helper()
	if p.Status != status {
		t.Errorf("%s: status %d, want %d", p.Path, p.Status, status)
	}
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(p.Source), text) {
			t.Errorf("%s lacks %q", p.Path, text)
		}
	}
	if t.Failed() {
		t.Logf("%s", p.Source)
	}
}

// Field is the value of the first field of that name; the test ends if there is
// none.
func (p *Page) Field(t *testing.T, name string) string {
	t.Helper()
	found := p.All("input[name=" + name + "]")
	if len(found) == 0 {
		t.Fatalf("%s has no field %s:\n%s", p.Path, name, p.Source)
	}
	return Attr(found[0], "value")
}

// Form returns what the fields of a form would send as they are.
func (p *Page) Form(selector string) url.Values {
	values := url.Values{}
	for _, in := range p.All(selector + " input") {
		kind := Attr(in, "type")
		if _, checked := attr(in, "checked"); (kind == "checkbox" || kind == "radio") && !checked {
			continue
		}
		values.Add(Attr(in, "name"), Attr(in, "value"))
	}
	for _, s := range p.All(selector + " select") {
		for o := range s.Descendants() {
			if _, chosen := attr(o, "selected"); chosen {
				values.Set(Attr(s, "name"), Attr(o, "value"))
			}
		}
	}
	return values
}

// TextOf is the text inside of a node, with single spaces.
func TextOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		switch {
		case d.Type == html.TextNode:
			b.WriteString(d.Data)
		case d.Type == html.ElementNode && !slices.Contains([]string{"a", "b", "code", "span", "time"}, d.Data):
			b.WriteString(" ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Attr is an attribute of a node, empty if it has none.
func Attr(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

var (
	key    = regexp.MustCompile(`\b(?:area|apps|entry|findings?|home|jobs|names|settings|sites|webkit|problem)\.[a-z-]+[a-z.-]*\b`)
	inline = regexp.MustCompile(`\sstyle=|<script>|\son[a-z]+=`)
)

func (p *Page) check(t *testing.T) {
	t.Helper()
	body := p.All("body")
	if len(body) == 0 {
		t.Fatalf("%s: no body", p.Path)
	}
	if k := key.FindString(TextOf(body[0]) + p.Text(t, "title")); k != "" {
		t.Errorf("%s shows the key %q", p.Path, k)
	}
	if s := inline.FindString(p.Source); s != "" {
		t.Errorf("%s has something inline: %q", p.Path, s)
	}
	if n := len(p.All("h1")); n != 1 {
		t.Errorf("%s has %d h1", p.Path, n)
	}
	p.checkTree(t)
}

func (p *Page) checkTree(t *testing.T) {
	t.Helper()
	ids, level := map[string]bool{}, 0
	labels := map[string]bool{}
	for _, l := range p.All("label") {
		labels[Attr(l, "for")] = true
	}
	for n := range p.root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if id := Attr(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("%s has the id %q twice", p.Path, id)
			}
			ids[id] = true
		}
		var h int
		if _, err := fmt.Sscanf(n.Data, "h%d", &h); err == nil && len(n.Data) == 2 {
			if h > level+1 && level > 0 { // the summary of errors comes before the h1
				t.Errorf("%s: an h%d follows an h%d: %s", p.Path, h, level, TextOf(n))
			}
			level = h
		}
		if field := n.Data == "input" && Attr(n, "type") != "hidden" || n.Data == "select" || n.Data == "textarea"; field && !labels[Attr(n, "id")] {
			t.Errorf("%s: the field %q has no label", p.Path, Attr(n, "name"))
		}
	}
}
