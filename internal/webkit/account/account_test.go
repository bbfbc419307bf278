// SPDX-License-Identifier: AGPL-3.0-or-later

package account_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/signin"
	"coopkit/internal/sqlitedb"
	"coopkit/internal/webkit"
	"coopkit/internal/webkit/account"
)

const good = "correct horse battery staple"

// site is a web interface with the account pages alone, and Ana.
type site struct {
	t       *testing.T
	service *signin.Service
	ana     signin.Person
	handler http.Handler
	now     time.Time
	addr    string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, now: time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC), addr: "192.0.2.7"}
	db, err := sqlitedb.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), nil, signin.Tables())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	s.service = signin.New(signin.Deps{Store: signin.NewStore(db), Now: func() time.Time { return s.now }, Log: log, Cookie: "test", WayBack: "coopkit test token"})
	if s.ana, err = s.service.AddPerson(t.Context(), signin.NewPerson{Name: "ana", Display: "Ana Costa", Password: good}); err != nil {
		t.Fatal(err)
	}
	ui, err := webkit.New(webkit.Config{
		Name: "desk", Templates: []fs.FS{account.Files()}, Messages: []fs.FS{account.Files()}, Log: log,
		Now: func() time.Time { return s.now }, User: account.User(s.service),
	})
	if err != nil {
		t.Fatal(err)
	}
	account.Routes(account.Options{
		UI: ui, Signin: s.service, WayBack: "coopkit test token ana",
		Addr: func(*http.Request) netip.Addr { return netip.MustParseAddr(s.addr) },
		Facts: func(_ context.Context, p *webkit.Page, who signin.Person) []webkit.Row {
			return []webkit.Row{{Name: "Role", Texts: []string{who.Role}}}
		},
	})
	s.handler = ui.Router().Handler()
	return s
}

// browser keeps cookies, as one does.
type browser struct {
	*site
	cookies map[string]string
	lang    string
}

func (s *site) browser() *browser { return &browser{site: s, cookies: map[string]string{}, lang: "en"} }

func (b *browser) send(method, path string, form ...string) (status int, to, text string) {
	b.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	r := httptest.NewRequest(method, "https://desk.example"+path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", b.lang)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	body, err := io.ReadAll(rec.Result().Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return rec.Code, rec.Header().Get("Location"), string(body)
}

// want sends and compares the status, where it leads, and texts on the page.
func (b *browser) want(request string, form []string, status int, to string, texts ...string) {
	b.t.Helper()
	method, path, _ := strings.Cut(request, " ")
	gotStatus, gotTo, page := b.send(method, path, form...)
	if gotStatus != status || gotTo != to {
		b.t.Errorf("%s: %d to %q, want %d to %q\n%s", request, gotStatus, gotTo, status, to, page)
	}
	for _, text := range texts {
		if !strings.Contains(page, text) {
			b.t.Errorf("%s lacks %q:\n%s", request, text, page)
		}
	}
}

func (b *browser) signIn() {
	b.t.Helper()
	b.want("POST /signin", []string{"name", "Ana", "password", good}, 303, "/")
}

func TestSignin_leadsToWhereSomebodyWanted(t *testing.T) {
	b := newSite(t).browser()
	b.want("GET /account", nil, 303, "/signin?next=%2Faccount")
	b.want("GET /signin?next=%2Faccount", nil, 200, "", `value="/account"`, `autocomplete="current-password"`)
	b.want("POST /signin", []string{"name", "ana", "password", "wrong", "next", "/account"}, 422, "", "name or the password is wrong", `href="#f-password"`, `value="ana"`, `value="/account"`)
	b.want("POST /signin", []string{"name", "ana", "password", good, "next", "/account"}, 303, "/account")
	b.want("GET /account", nil, 200, "", "Ana Costa", "You sign in as ana.", "Firefox, Linux", "192.0.2.7", "this browser", "steward")
	b.want("GET /signin?next=%2Faccount", nil, 303, "/account")
	b.want("POST /signout", nil, 303, "/signin")
	b.want("GET /signin", nil, 200, "", "You have signed out.")
	b.want("GET /account", nil, 303, "/signin?next=%2Faccount")
}

func TestSignin_saysHowLongTheDoorIsLocked(t *testing.T) {
	b := newSite(t).browser()
	for range 5 {
		b.want("POST /signin", []string{"name", "ana", "password", "wrong"}, 422, "")
	}
	b.want("POST /signin", []string{"name", "ana", "password", good}, 429, "", "Wait 30 seconds")
	b.now = b.now.Add(31 * time.Second)
	b.signIn()
}

func TestRecover_setsThePasswordOnce(t *testing.T) {
	s := newSite(t)
	b, other := s.browser(), s.browser()
	other.signIn()
	token, err := s.service.NewToken(t.Context(), s.ana.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.want("GET /signin/recover", nil, 200, "", "coopkit test token ana", `autocomplete="one-time-code"`)
	b.want("POST /signin/recover", []string{"token", "X", "password", "four other words"}, 422, "", "This token does not match", `id="e-token"`)
	b.want("POST /signin/recover", []string{"token", token.Text, "password", "short"}, 422, "", "too short", `id="e-password"`, token.Text)
	b.want("POST /signin/recover", []string{"token", strings.ToLower(token.Text), "password", "four other words"}, 303, "/")
	b.want("GET /account", nil, 200, "", "Your password is set")
	other.want("GET /account", nil, 303, "/signin?next=%2Faccount")
	other.want("POST /signin/recover", []string{"token", token.Text, "password", "four more words"}, 422, "", "was already used")
}

func TestPassword_isChangedByWhoKnowsIt(t *testing.T) {
	s := newSite(t)
	b, other := s.browser(), s.browser()
	b.signIn()
	other.signIn()
	b.want("POST /account/password", []string{"current", "wrong", "password", "four other words"}, 422, "", "This is not your password", `id="e-current"`)
	b.want("POST /account/password", []string{"current", good, "password", "ana"}, 422, "", "too short", `id="e-password"`)
	b.want("POST /account/password", []string{"current", good, "password", "four other words"}, 303, "/account")
	b.want("GET /account", nil, 200, "", "Your password is changed")
	other.want("GET /account", nil, 303, "/signin?next=%2Faccount")
}

func TestSessions_areEndedFromAnotherBrowser(t *testing.T) {
	s := newSite(t)
	b, second, third := s.browser(), s.browser(), s.browser()
	for _, each := range []*browser{b, second, third} {
		each.signIn()
	}
	sessions, err := s.service.Sessions(t.Context(), s.ana.ID)
	if err != nil || len(sessions) != 3 {
		t.Fatal(sessions, err)
	}
	here, _, _ := s.service.Session(t.Context(), &http.Request{Header: http.Header{"Cookie": {"__Host-test=" + second.cookies["__Host-test"]}}})
	b.want("POST /account/sessions/"+string(here.ID)+"/end", nil, 303, "/account")
	b.want("GET /account", nil, 200, "", "That browser is signed out.")
	second.want("GET /account", nil, 303, "/signin?next=%2Faccount")
	b.want("POST /account/sessions/"+string(here.ID)+"/end", nil, 404, "", "no longer signed in")
	b.want("POST /account/sessions/others/end", nil, 303, "/account")
	third.want("GET /account", nil, 303, "/signin?next=%2Faccount")
	b.want("GET /account", nil, 200, "", "All other browsers are signed out.")
}

func TestPages_haveNoKeyForATextInAnyLanguage(t *testing.T) {
	s := newSite(t)
	for _, lang := range locale.Langs() {
		b := s.browser()
		b.lang = lang
		for i, path := range []string{"/signin", "/signin/recover", "/account"} {
			if i == 2 {
				b.signIn()
			}
			_, _, page := b.send("GET", path)
			if !strings.Contains(page, fmt.Sprintf(`lang="%s"`, lang)) || strings.Contains(page, "account.") || strings.Contains(page, "webkit.") {
				t.Errorf("%s in %s:\n%s", path, lang, page)
			}
		}
	}
}

func TestMessages_areComplete(t *testing.T) {
	ui, err := webkit.New(webkit.Config{Name: "desk", Messages: []fs.FS{account.Files()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, ui.Bundle(), []string{"."}, "webkit.", "problem.")
}
