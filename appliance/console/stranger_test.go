// SPDX-License-Identifier: AGPL-3.0-or-later

package console_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console"
	"coopkit/appliance/control"
	"coopkit/internal/signin"
	"coopkit/internal/sqlitedb"
	"coopkit/internal/webkit"
)

// open are the routes that anybody may call, each with its reason. A route that
// is added to the console is closed unless it is added here too.
var open = map[string]string{
	"GET /signin":          "people sign in here",
	"POST /signin":         "people sign in here",
	"GET /signin/recover":  "the way back for who lost the password",
	"POST /signin/recover": "needs a token from the terminal",
	"GET /setup":           "the first page of a new box; gone afterwards",
	"POST /setup":          "needs a token from the terminal",
	"GET /setup/steward":   "needs a token from the terminal",
	"POST /setup/steward":  "needs a token from the terminal",
	"GET /help":            "who is stuck before the sign-in reads here how to get in, and nothing of the box",
	"GET /metrics":         "needs a token of its own, and is off until somebody makes one",
	"GET /accessibility":   "who cannot use the sign-in page must be able to read why",
}

type house struct {
	console  *console.Console
	accounts *signin.Service
	cookies  []*http.Cookie // of who is signed in
}

func newHouse(t *testing.T) house {
	t.Helper()
	return newHouseOf(t, agenttest.New(t).Agent())
}

func newHouseOf(t *testing.T, box control.Agent) house {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), filepath.Join(t.TempDir(), "accounts.db"), nil, signin.Tables())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	accounts := signin.New(signin.Deps{Store: signin.NewStore(db), Log: log, Cookie: "coopkit", WayBack: "coopkit console token"})
	c, err := console.New(console.Deps{
		Box: box, Accounts: accounts, Log: log, Now: time.Now, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return house{console: c, accounts: accounts}
}

func (h house) steward(t *testing.T) {
	t.Helper()
	if _, err := h.accounts.AddPerson(t.Context(), signin.NewPerson{Name: "amara", Display: "Amara", Password: "bread rises twice"}); err != nil {
		t.Fatal(err)
	}
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

func (h house) visit(t *testing.T, r webkit.Route) *httptest.ResponseRecorder {
	t.Helper()
	path := wildcard.ReplaceAllString(strings.ReplaceAll(r.Pattern, "{$}", ""), "wordpress")
	req := httptest.NewRequest(r.Method, "https://console.example"+path, strings.NewReader("name=x&hash=y"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	h.console.Handler().ServeHTTP(rec, req)
	return rec
}

func TestRoutes_letNoStrangerIn(t *testing.T) {
	h := newHouse(t)
	h.steward(t)
	routes := h.console.Routes()
	if len(routes) < 40 {
		t.Fatalf("only %d routes are known", len(routes))
	}
	for _, r := range routes {
		name := strings.TrimSpace(r.Method + " " + r.Pattern)
		rec := h.visit(t, r)
		_, allowed := open[name]
		if allowed != (r.Access == webkit.Public) {
			t.Errorf("%s is %s, but the list of open routes says otherwise", name, r.Access)
		}
		switch to := rec.Header().Get("Location"); {
		case allowed:
			if rec.Code >= http.StatusInternalServerError {
				t.Errorf("%s fails for a stranger: %d", name, rec.Code)
			}
		case r.Method == http.MethodGet && rec.Code == http.StatusSeeOther && strings.HasPrefix(to, "/signin?next="):
		case rec.Code == http.StatusUnauthorized:
		default:
			t.Errorf("%s answers a stranger with %d %s", name, rec.Code, to)
		}
		if slices.ContainsFunc(rec.Result().Cookies(), func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, "__Host-coopkit") && c.MaxAge >= 0 }) {
			t.Errorf("%s gives a stranger a session", name)
		}
	}
}

func TestRoutes_ofANewBoxAreItsSetUp(t *testing.T) {
	h := newHouse(t)
	for _, r := range h.console.Routes() {
		rec := h.visit(t, r)
		if strings.HasPrefix(r.Pattern, "/setup") || r.Pattern == "/accessibility" || r.Pattern == "/help" || r.Pattern == console.MetricsPath {
			continue
		}
		if to := rec.Header().Get("Location"); r.Method == http.MethodGet && (rec.Code != http.StatusSeeOther || to != "/setup") && rec.Code != http.StatusUnauthorized {
			t.Errorf("%s %s on a box without an account: %d %s", r.Method, r.Pattern, rec.Code, to)
		}
		if r.Method != http.MethodGet && rec.Code < http.StatusBadRequest && rec.Header().Get("Location") != "/setup" {
			t.Errorf("%s %s on a box without an account: %d", r.Method, r.Pattern, rec.Code)
		}
	}
}

func TestSetUp_isGoneAfterTheFirstAccount(t *testing.T) {
	h := newHouse(t)
	h.steward(t)
	for _, path := range []string{"/setup", "/setup/steward"} {
		rec := h.visit(t, webkit.Route{Method: http.MethodGet, Pattern: path})
		if rec.Code != http.StatusSeeOther {
			t.Errorf("%s: %d\n%s", path, rec.Code, rec.Body)
		}
	}
}
