// SPDX-License-Identifier: AGPL-3.0-or-later

package entry_test

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/entry"
	"coopkit/appliance/say"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/problem"
	"coopkit/internal/signin"
	"coopkit/internal/sqlitedb"
	"coopkit/internal/webkit"
	"coopkit/internal/webkit/account"
)

const password = "otter maple lantern harvest"

func now() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

// site is a console of this area alone, with real accounts.
type site struct {
	*httptest.Server
	box      *agenttest.Box
	accounts *signin.Service
}

func newSite(t *testing.T) *site {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"), nil, signin.Tables())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &site{box: agenttest.New(t)}
	s.accounts = signin.New(signin.Deps{
		Store: signin.NewStore(db), Now: now, Log: slog.New(slog.DiscardHandler), Cookie: "coopkit", WayBack: "coopkit console token",
	})
	files := []fs.FS{area.Files(), say.Files(), entry.Files(), account.Files()}
	ui, err := webkit.New(webkit.Config{
		Name: "console", Templates: files, Messages: files, Log: slog.New(slog.DiscardHandler), Now: now, User: account.User(s.accounts),
		Frame: func(_ *http.Request, p *webkit.Page) {
			p.Brand = webkit.Brand{Name: "Lantern Street Bakery", Sub: "Coopkit console", Href: "/"}
			p.Nav = []webkit.NavItem{{Text: "Home", Href: "/", Icon: "home"}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	box := s.box.Agent()
	entry.Routes(entry.Deps{Deps: area.Deps{UI: ui, Log: slog.New(slog.DiscardHandler), Now: now}, Accounts: s.accounts, Box: entry.Agent{Box: box.Box, Names: box.Names, Jobs: box.Jobs, Recipes: box.Recipes}})
	s.Server = httptest.NewTLSServer(entry.SetupFirst(s.accounts, ui.Router().Handler()))
	t.Cleanup(s.Close)
	return s
}

// visitor is one browser.
type visitor struct {
	t    *testing.T
	site *site
	http *http.Client
	lang string
}

func (s *site) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, site: s, lang: "en", http: &http.Client{
		Jar: jar, Transport: s.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a page as it came.
type answer struct {
	status int
	to     string
	text   string
}

func (v *visitor) do(req *http.Request) answer {
	v.t.Helper()
	req.Header.Set("Accept-Language", v.lang)
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	res, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		v.t.Fatal(err)
	}
	if _, err := html.Parse(strings.NewReader(string(body))); err != nil {
		v.t.Error(err)
	}
	return answer{res.StatusCode, res.Header.Get("Location"), html.UnescapeString(string(body))}
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.site.URL+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(req)
}

func (v *visitor) post(path string, fields ...string) answer {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.site.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(req)
}

func (v *visitor) leads(a answer, to string) {
	v.t.Helper()
	if a.status != http.StatusSeeOther || a.to != to {
		v.t.Errorf("%d to %q, want 303 to %q\n%s", a.status, a.to, to, a.text)
	}
}

func (v *visitor) shows(a answer, status int, texts ...string) {
	v.t.Helper()
	if a.status != status {
		v.t.Errorf("status %d, want %d", a.status, status)
	}
	for _, want := range texts {
		if !strings.Contains(a.text, want) {
			v.t.Errorf("the page lacks %q:\n%s", want, a.text)
		}
	}
}

func (s *site) token(t *testing.T, who signin.PersonID) string {
	t.Helper()
	token, err := s.accounts.NewToken(t.Context(), who, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token.Text
}

// steward makes the first account, in a browser that stays signed in.
func (s *site) steward(t *testing.T) *visitor {
	t.Helper()
	v := s.visitor(t)
	v.leads(v.post("/setup", "token", s.token(t, "")), "/setup/steward")
	v.leads(v.post("/setup/steward", "coop", "Lantern Street Bakery", "display", "Amara Osei", "name", "amara", "password", password), "/setup/name")
	return v
}

func TestSetup_fromTheTokenToTheCatalogue(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.visitor(t)
	v.leads(v.get("/apps"), "/setup")
	v.leads(v.get("/signin"), "/setup")
	v.shows(v.get("/setup"), 200, "Question 1 of 4", "Español", `name="token"`, "sudo coopkit console token")
	token := strings.ToLower(strings.ReplaceAll(s.token(t, ""), "-", " "))
	v.leads(v.post("/setup", "token", token), "/setup/steward")
	v.leads(v.get("/setup"), "/setup/steward") // the token is not asked for again
	v.shows(v.get("/setup?back=1"), 200, `name="token"`)
	v.shows(v.get("/setup/steward"), 200, "Question 2 of 4", `autocomplete="new-password"`, `href="/setup?back=1"`)
	v.leads(v.post("/setup/steward", "coop", "Lantern Street Bakery", "display", "Amara Osei", "name", "Amara", "password", password), "/setup/name")
	v.leads(v.get("/"), "/setup/name") // nor is this question lost
	v.shows(v.get("/setup/name"), 200, "Question 3 of 4", "What name should people find you at?", "demo.coop")
	plan := v.post("/setup/name", "choice", "have", "have", "bakery.example")
	v.shows(plan, 200, "The box will answer for bakery.example", `action="/setup/name/agree"`, `value="bakery.example"`)
	hash, once := value(t, plan.text, area.FieldHash), value(t, plan.text, area.FieldKey)
	for range 2 { // agreeing twice starts one job
		v.leads(v.post("/setup/name/agree", "zone", "bakery.example", area.FieldHash, hash, area.FieldKey, once), "/setup/begin?job=1")
	}
	v.shows(v.get("/setup/begin?job=1"), 200, "Question 4 of 4", "A wiki for what your co-op knows", `href="/catalogue/dokuwiki/add"`, `href="/setup/done?job=1"`)
	v.shows(v.get("/setup/done?job=1"), 200, "Your box is ready", "Lantern Street Bakery", `href="/jobs/1"`, `href="/catalogue"`, "bakery.example")
	if settings, err := s.box.Agent().Box.Settings(t.Context()); err != nil || settings.Coop != "Lantern Street Bakery" {
		t.Errorf("settings %v, %v", settings, err)
	}
	for _, path := range []string{"/setup", "/setup/steward"} { // it is over
		v.leads(v.get(path), "/setup/name")
		v.leads(s.visitor(t).get(path), "/signin")
	}
	v.leads(s.visitor(t).post("/setup", "token", token), "/signin")
}

// value is the value of a hidden field.
func value(t *testing.T, page, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `name="`+name+`" value="`)
	v, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		t.Fatalf("there is no field %s in\n%s", name, page)
	}
	return v
}

func TestSetup_saysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.visitor(t)
	v.shows(v.post("/setup", "token", " "), 422, "Type the token")
	v.shows(v.post("/setup", "token", "nonsense"), 422, "This token does not match", `aria-invalid="true"`, `role="alert"`, "Error: ")
	v.leads(v.get("/setup/steward"), "/setup")
	v.leads(v.post("/setup/steward", "coop", "Thieves", "display", "T", "name", "t", "password", password), "/setup")
	if settings, err := s.box.Agent().Box.Settings(t.Context()); err != nil || settings.Coop != "Demo Co-op" {
		t.Errorf("a stranger set %v, %v", settings, err)
	}
	v.leads(v.post("/setup", "token", s.token(t, "")), "/setup/steward")
	for _, c := range []struct{ coop, display, user, password, want string }{
		{"", "Amara", "amara", password, "Write the name of your co-op"},
		{"Bakery", "", "amara", password, "Enter your name"},
		{"Bakery", "Amara", "two words", password, "Use only letters, digits and the signs"},
		{"Bakery", "Amara", "amara", "short", "The password is too short"},
		{"Bakery", "Amara", "amara.osei", "Amara.Osei", "The password is the same as your name"},
		{"Bakery", "Amara", "amara", "aaaaaaaaaaaa", "The password repeats itself"},
	} {
		a := v.post("/setup/steward", "coop", c.coop, "display", c.display, "name", c.user, "password", c.password)
		v.shows(a, 422, c.want, `value="`+c.user+`"`)
		if strings.Contains(a.text, c.password+`"`) && c.password == password {
			t.Error("the password is on the page")
		}
	}
	all := v.post("/setup/steward", "name", "two words", "password", "short") // at once, as the fields stand
	last := -1
	for _, field := range []string{"display", "name", "password", "coop"} {
		at := strings.Index(all.text, `href="#f-`+field+`"`)
		if at <= last {
			t.Errorf("%s is not said in its place:\n%s", field, all.text)
		}
		last = at
	}
	for range 6 {
		v.post("/setup", "token", "7K2M-9QX4-TB3C-5WND-8RHF")
	}
	v.shows(v.post("/setup", "token", "7K2M-9QX4-TB3C-5WND-8RHF"), 429, "too many wrong attempts")
}

// The pages about accounts are tested with package account; here, that they are
// there and name this program's command.
func TestAccounts_haveTheirPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.steward(t)
	v.shows(v.get("/account"), 200, "You sign in as amara.", "Firefox")
	stranger := s.visitor(t)
	stranger.leads(stranger.get("/account"), "/signin?next=%2Faccount")
	stranger.shows(stranger.get("/signin"), 200, `href="/signin/recover"`)
	stranger.shows(stranger.get("/signin/recover"), 200, "sudo coopkit console token")
	stranger.leads(stranger.post("/signin", "name", "amara", "password", password), "/")
	people, err := s.accounts.People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stranger.shows(s.visitor(t).post("/signin/recover", "token", s.token(t, people[0].ID), "password", "four other good words"), 303)
}

func TestSetup_theNameCanWait(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.steward(t)
	v.leads(v.post("/setup/name", "choice", "later", "have", "ignored.example"), "/setup/begin")
	v.leads(v.post("/setup/name", "choice", "already"), "/setup/begin")
	v.leads(v.post("/setup/name", "choice", "have", "have", "Demo.coop"), "/setup/begin") // it is here
	v.shows(v.post("/setup/name", "choice", "have", "have", " "), 422, "Enter your name, for example demo.coop.")
	v.shows(v.get("/setup/done?job=nonsense"), 200, "Choose the first app")
	v.shows(v.post("/setup/name", "choice", "have", "have", "demo coop"), 422, `value="demo coop"`, `id="e-have"`)
	inside := v.post("/setup/name", "choice", "inside", "inside", "box.internal")
	v.shows(inside, 200, "The box will answer for box.internal", "as the name server in your router")
	if strings.Contains(inside.text, "domains.coop") {
		t.Error("nobody registers a name that ends in .internal")
	}
	v.shows(v.post("/setup/name", "choice", "have", "have", "cafetería.example"), 200, "The box will answer for cafetería.example", "leads nowhere yet")
	v.shows(v.post("/setup/name/agree", "zone", "bakery.example", area.FieldHash, "old", area.FieldKey, "k"), 409, "The plan has changed since you saw it")
	v.shows(v.post("/setup/name/agree", "zone", "demo.coop", area.FieldHash, "", area.FieldKey, "l"), 409, "zone-exists")
}

func TestName_saysWhatIsKnownWhileItIsTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.steward(t)
	s.box.Answer("GET /v1/names/busy.example/check", appliance.NameCheck{Host: "busy.example", Found: []string{"203.0.113.9"}})
	s.box.Answer("GET /v1/names/here.example/check", appliance.NameCheck{Host: "here.example", OK: true})
	s.box.Answer("GET /v1/names/odd.example/check", appliance.NameCheck{Host: "odd.example", Unanswered: true})
	for typed, want := range map[string]string{
		"demo.coop": "This box has demo.coop already", "busy.example": "it leads to 203.0.113.9", "here.example": "leads to this box already",
		"odd.example": "could not be looked up", "free.example": "leads nowhere yet",
	} {
		v.shows(v.get("/setup/name/look?name="+typed), 200, want)
	}
	if a := v.get("/setup/name/look?name=dem"); a.text != "" {
		t.Errorf("half a name: %q", a.text)
	}
	v.leads(s.visitor(t).get("/setup/name/look?name=demo.coop"), "/signin?next=%2Fsetup%2Fname%2Flook%3Fname%3Ddemo.coop")
}

func TestPages_inThreeLanguages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.token(t, "")
	for _, lang := range locale.Langs() {
		v := s.visitor(t)
		v.lang = lang
		keyless(v, v.get("/setup"), lang)
		v.leads(v.post("/setup", "token", token), "/setup/steward")
		keyless(v, v.get("/setup/steward"), lang)
	}
	steward := s.steward(t)
	for _, steward.lang = range locale.Langs() {
		for _, path := range []string{"/setup/name", "/setup/begin", "/setup/done"} {
			keyless(steward, steward.get(path), steward.lang)
		}
	}
}

// keyless fails when a page is not in that language or shows a key for a text.
func keyless(v *visitor, a answer, lang string) {
	v.t.Helper()
	v.shows(a, 200, `<html lang="`+lang+`"`)
	for _, key := range []string{"entry.", "account.", "webkit.", "area."} {
		if i := strings.Index(a.text, key); i >= 0 {
			v.t.Errorf("%s: a key is shown: %s", lang, a.text[i:min(i+60, len(a.text))])
		}
	}
	if strings.Count(a.text, "<h1") != 1 {
		v.t.Errorf("%s: there is not one h1:\n%s", lang, a.text)
	}
}

// broken is a box whose settings cannot be read.
func TestSetup_aBoxThatFailsMakesNoAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.visitor(t)
	v.leads(v.post("/setup", "token", s.token(t, "")), "/setup/steward")
	s.box.Fail("PUT /v1/settings", &problem.Problem{Code: "store", Kind: problem.Failed, What: "the disk is full", Next: []string{"make room"}})
	v.shows(v.post("/setup/steward", "coop", "Bakery", "display", "Amara", "name", "amara", "password", password), 500, "he disk is full")
	if first, err := s.accounts.FirstRun(context.Background()); err != nil || !first {
		t.Errorf("first run: %v, %v", first, err)
	}
}

func TestMessages_areComplete(t *testing.T) {
	b, err := locale.New(entry.Files())
	if err != nil {
		t.Fatal(err)
	}
	shared, err := webkit.New(webkit.Config{Name: "console", Messages: []fs.FS{entry.Files(), account.Files()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	localetest.Complete(t, b)
	localetest.Check(t, shared.Bundle(), []string{"."}, "webkit.", "account.", "problem.")
}
