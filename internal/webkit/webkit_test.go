// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit_test

import (
	"compress/gzip"
	"encoding/base64"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"coopkit/internal/locale/localetest"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

var now = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)

type sample struct {
	*webkit.Page
	Pill    webkit.Pill
	Finding webkit.Finding
	Actions []webkit.Action
	Field   webkit.Field
	Tick    webkit.Field
	Meter   webkit.Meter
	Week    webkit.Week
	Steps   []webkit.Step
	Empty   webkit.Empty
	Pager   webkit.Pager
	Since   time.Time
}

// site is a small web interface with one of everything. Who sends the header
// "Who" is signed in as that.
func site(t *testing.T, kind string) http.Handler {
	t.Helper()
	root := os.DirFS("testdata")
	messages, err := fs.Sub(root, "pages")
	if err != nil {
		t.Fatal(err)
	}
	ui, err := webkit.New(webkit.Config{
		Name: kind, Templates: []fs.FS{root}, Messages: []fs.FS{messages}, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return now },
		User: func(r *http.Request) (webkit.User, bool) {
			return webkit.User{ID: "1", Name: r.Header.Get("Who")}, r.Header.Get("Who") != ""
		},
		Frame: func(_ *http.Request, p *webkit.Page) {
			p.Brand = webkit.Brand{Name: "Lantern Street Bakery", Sub: "Coopkit console", Href: "/"}
			p.Nav = []webkit.NavItem{{Text: "Home", Href: "/", Icon: "home", Here: true, Count: 1}}
			p.Version, p.Help = "test", "/help"
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	rt := ui.Router()
	rt.Public("GET /{$}", func(w http.ResponseWriter, r *http.Request) error {
		return ui.Render(w, http.StatusOK, "sample", newSample(ui, r))
	})
	rt.Signed("GET /apps/{name}", func(w http.ResponseWriter, r *http.Request) error {
		return &problem.Problem{Code: "app-unknown", Kind: problem.NotFound, What: "there is no app " + r.PathValue("name"), Next: []string{"coopkit app list"}}
	})
	rt.Signed("POST /apps", func(w http.ResponseWriter, r *http.Request) error {
		if err := r.ParseForm(); err != nil {
			return err
		}
		webkit.SetFlash(w, webkit.Flash{Text: "Chat <now> runs", Undo: "/undo", Word: "Undo"})
		return ui.Redirect(w, r, "/")
	})
	rt.Signed("GET /abort", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) })
	rt.Signed("GET /panic", func(http.ResponseWriter, *http.Request) error { panic("boom") })
	rt.Signed("GET /jobs/events", func(w http.ResponseWriter, r *http.Request) error {
		s, err := webkit.NewStream(w)
		if err != nil {
			return err
		}
		return s.Send("patch", "7", "<p>a\nb</p>")
	})
	return rt.Handler()
}

func newSample(ui *webkit.UI, r *http.Request) sample {
	p := ui.NewPage(r, "sample.title")
	p.Fail("name", "demo coop has a space in it")
	f := p.FindingCard("warning", "NAME-EXPIRES-SOON", "name:demo.coop")
	f.Title = "The name runs out"
	f.Say(p, "a", "b", webkit.RemedyOf([]string{"see [your names](/names)", "coopkit name list"}))
	return sample{
		Page: p, Pill: p.Severity("critical"), Finding: f, Since: now.Add(-20 * time.Second),
		Actions: []webkit.Action{{Text: "Go", Href: "/x", Kind: "go"}, {Text: "Do", Href: "/y", Post: true, Hidden: []webkit.Pair{{Name: "n", Value: "<v>"}}}},
		Field:   webkit.Field{Name: "name", Label: "Name", Hint: "hint", Error: p.Error("name"), Value: `"x"`},
		Tick:    webkit.Field{Name: "tick", Label: "Yes", Value: "yes"},
		Meter:   webkit.Meter{Label: "41 of 118", Percent: 35}, Week: webkit.Week{Label: "fine", Days: []string{"", "w", "x"}},
		Steps: []webkit.Step{{Kind: "now", Name: "Testing", Word: "now"}}, Empty: webkit.Empty{Icon: "basket", Title: "No apps", Text: "yet"},
		Pager: webkit.Pager{Label: "Pages", Text: "1 of 2", Next: "/?page=2", NextWord: "Next"},
	}
}

func ask(t *testing.T, h http.Handler, method, path string, header ...string) answer {
	t.Helper()
	req := httptest.NewRequest(method, "https://console.example"+path, strings.NewReader("a=b"))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	res := rec.Result()
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answer{Response: res, text: rec.Body.String()}
}

type answer struct {
	*http.Response
	text string
}

func TestPage_isWholeInEveryLanguageAndOfBothKinds(t *testing.T) {
	for _, kind := range []string{"console", "desk"} {
		h := site(t, kind)
		for lang, skip := range map[string]string{"en": "Skip to", "es": "Saltar", "fr": "Aller au"} {
			page := ask(t, h, "GET", "/", "Accept-Language", lang, "Who", "Amara").text
			for _, want := range []string{`lang="` + lang + `"`, skip, "Two things need you", "The name runs out", `class="` + kind, "&lt;b&gt;", `aria-invalid="true"`, "Amara"} {
				if !strings.Contains(page, want) {
					t.Errorf("%s in %s lacks %q", kind, lang, want)
				}
			}
			if strings.Contains(page, "webkit.") || regexp.MustCompile(`\sstyle=|<script>|\son[a-z]+=`).MatchString(page) {
				t.Errorf("%s in %s has a key for a text, or something inline:\n%s", kind, lang, page)
			}
		}
	}
}

func TestRouter_letsNoStrangerIn(t *testing.T) {
	h := site(t, "console")
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200},
		{"GET", "/apps/x", 303},
		{"GET", "/nothing", 303},
		{"POST", "/apps", 401},
		{"GET", "/jobs/events", 401},
		{"DELETE", "/apps/x", 401},
	} {
		if res := ask(t, h, c.method, c.path); res.StatusCode != c.status {
			t.Errorf("%s %s: %s, want %d", c.method, c.path, res.Status, c.status)
		}
	}
	if to := ask(t, h, "GET", "/apps/x?a=b").Header.Get("Location"); to != "/signin?next=%2Fapps%2Fx%3Fa%3Db" {
		t.Errorf("a stranger is sent to %s", to)
	}
}

func TestErrors_becomePages(t *testing.T) {
	h := site(t, "console")
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/apps/x":  {404, "There is no app x"},
		"/panic":   {500, "foresee"},
		"/nothing": {404, "no page at this address"},
	} {
		res := ask(t, h, "GET", path, "Who", "Amara")
		if text := res.text; res.StatusCode != want.status || !strings.Contains(text, want.text) || strings.Contains(text, "boom") {
			t.Errorf("%s: %s\n%s", path, res.Status, text)
		}
	}
}

func TestAbort_endsTheConnectionAndIsNoPage(t *testing.T) {
	h := site(t, "console")
	defer func() {
		if caught := recover(); caught != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			t.Errorf("caught %v", caught)
		}
	}()
	res := ask(t, h, "GET", "/abort", "Who", "Amara")
	t.Errorf("answered %s", res.Status)
}

func TestChange_fromAnotherSiteIsRefused(t *testing.T) {
	h := site(t, "console")
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		if res := ask(t, h, "POST", "/apps", append(header, "Who", "Amara")...); res.StatusCode != http.StatusForbidden {
			t.Errorf("%v: %s", header, res.Status)
		}
	}
}

func TestFlash_isShownOnce(t *testing.T) {
	h := site(t, "console")
	res := ask(t, h, "POST", "/apps", "Who", "Amara", "Sec-Fetch-Site", "same-origin")
	c := res.Cookies()
	if res.StatusCode != http.StatusSeeOther || len(c) != 1 || !c[0].Secure || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode {
		t.Fatalf("%s, cookies %v", res.Status, c)
	}
	res = ask(t, h, "GET", "/", "Cookie", c[0].Name+"="+c[0].Value)
	if text := res.text; !strings.Contains(text, "Chat &lt;now&gt; runs") || !strings.Contains(text, `action="/undo"`) {
		t.Errorf("the flash is not on the page:\n%s", text)
	}
	if gone := res.Cookies(); len(gone) != 1 || gone[0].MaxAge >= 0 {
		t.Errorf("the flash stays: %v", gone)
	}
}

func TestPreferences_areKeptAndTheAddressStaysClean(t *testing.T) {
	h := site(t, "console")
	res := ask(t, h, "GET", "/apps/x?lang=fr&theme=dark&page=2")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/apps/x?page=2" || len(res.Cookies()) != 2 {
		t.Fatalf("%s to %s with %v", res.Status, res.Header.Get("Location"), res.Cookies())
	}
	var kept []string
	for _, c := range res.Cookies() {
		kept = append(kept, c.Name+"="+c.Value)
	}
	page := ask(t, h, "GET", "/", "Cookie", strings.Join(kept, "; "), "Accept-Language", "es").text
	if !strings.Contains(page, `<html lang="fr" dir="ltr" data-theme="dark">`) {
		t.Error("language and theme are not kept")
	}
}

func TestStream_sendsEventsAtOnce(t *testing.T) {
	res := ask(t, site(t, "console"), "GET", "/jobs/events", "Who", "Amara", "Accept-Encoding", "gzip")
	if got := res.text; !strings.HasSuffix(got, "id: 7\nevent: patch\ndata: <p>a\ndata: b</p>\n\n") || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("got %q, encoding %q", got, res.Header.Get("Content-Encoding"))
	}
}

func TestHeaders_forbidWhatPagesDoNotNeed(t *testing.T) {
	h := ask(t, site(t, "console"), "GET", "/").Header
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	} {
		if !strings.Contains(h.Get(name), want) {
			t.Errorf("%s: %q", name, h.Get(name))
		}
	}
	if csp := h.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("policy: %s", csp)
	}
}

// The promise is 30 KB of style and script, compressed, for every page.
func TestAssets_areSmallAndKeptForEver(t *testing.T) {
	h := site(t, "console")
	page := ask(t, h, "GET", "/").text
	var total int
	for _, m := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		res := ask(t, h, "GET", m[1], "Accept-Encoding", "gzip")
		total += len(res.text)
		if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %s %s", m[1], res.Status, res.Header.Get("Cache-Control"))
		}
		plain := ask(t, h, "GET", m[1]).text
		z, err := gzip.NewReader(strings.NewReader(ask(t, h, "GET", m[1], "Accept-Encoding", "gzip").text))
		if err != nil {
			t.Fatal(err)
		}
		if same, err := io.ReadAll(z); err != nil || string(same) != plain {
			t.Errorf("%s is another file when compressed", m[1])
		}
	}
	if total == 0 || total > 30<<10 {
		t.Errorf("style and script are %d bytes", total)
	}
	t.Logf("style, script and mark: %d bytes compressed", total)
}

func TestNext_leadsNowhereElse(t *testing.T) {
	for next, want := range map[string]string{
		"/apps?x=1": "/apps?x=1", "//evil.example": "/", "https://evil.example/": "/", "": "/", `/\evil.example`: "/", "javascript:alert(1)": "/",
	} {
		r := httptest.NewRequest("POST", "/signin", nil)
		r.Form = map[string][]string{"next": {next}}
		if got := webkit.Next(r); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

func TestMessages_areComplete(t *testing.T) {
	ui, err := webkit.New(webkit.Config{Name: "console", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, ui.Bundle(), []string{"."}, "webkit.severity.", "webkit.lang.", "webkit.finding.", "webkit.problem.")
}

// TestPage_neverLinksToAnotherHost: a path can hold slashes that are not
// written as such, and a link to it must not become one to another host.
func TestPage_neverLinksToAnotherHost(t *testing.T) {
	for _, path := range []string{"/%2Fevil.example", "/%2F/evil.example", "/%5Cevil.example", "/%2F%2Fevil.example/x"} {
		a := ask(t, site(t, "console"), http.MethodGet, path, "Who", "Ana")
		if strings.Contains(a.text, `href="//`) || strings.Contains(a.text, `href="/\`) || !strings.Contains(a.text, "lang=es") {
			t.Errorf("%s: %s", path, a.text)
		}
	}
	flash := base64.RawURLEncoding.EncodeToString([]byte(`{"t":"x","u":"/\\evil.example","w":"Undo"}`))
	if a := ask(t, site(t, "console"), http.MethodGet, "/", "Cookie", "__Host-flash="+flash); strings.Contains(a.text, "evil") {
		t.Errorf("an undo that leads away is shown:\n%s", a.text)
	}
}

func TestPage_ofAFormLeadsBackToAPage(t *testing.T) {
	a := ask(t, site(t, "console"), http.MethodPost, "/apps/chat/stop", "Who", "Ana")
	if want := `href="/apps/chat?lang=es"`; !strings.Contains(a.text, want) {
		t.Errorf("it lacks %s:\n%s", want, a.text)
	}
}

// TestRouter_takesNoFormInParts: a handler would read empty fields.
func TestRouter_takesNoFormInParts(t *testing.T) {
	for name, form := range map[string]string{"too long": "a=" + strings.Repeat("b", 100_000), "not a form": "a=%zz"} {
		req := httptest.NewRequest(http.MethodPost, "https://console.example/apps", strings.NewReader(form))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Who", "Ana")
		rec := httptest.NewRecorder()
		site(t, "console").ServeHTTP(rec, req)
		if rec.Code != http.StatusUnprocessableEntity || len(rec.Result().Cookies()) > 0 {
			t.Errorf("%s: %d\n%s", name, rec.Code, rec.Body)
		}
	}
	if a := ask(t, site(t, "console"), http.MethodGet, "/?a=%zz", "Who", "Ana"); a.StatusCode != http.StatusOK {
		t.Errorf("a query that cannot be read: %d", a.StatusCode)
	}
}
