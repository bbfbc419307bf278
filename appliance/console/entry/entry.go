// SPDX-License-Identifier: AGPL-3.0-or-later

// Package entry is how people get into the console: the first set-up of a box,
// and the pages about accounts that console and desk share. It knows accounts
// through internal/signin and the box through control.Agent, and nothing of
// how either is kept. Its tests send every form well and badly, as a stranger
// and as somebody signed in, with real accounts in a database.
package entry

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"

	"coopkit/appliance/console/area"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
	"coopkit/internal/webkit/account"
)

//go:embed templates/*.html messages/*.json
var files embed.FS

// Files returns the templates and messages of this area.
func Files() fs.FS { return files }

// Agent is what this area asks of the box.
type Agent struct {
	Box   control.Box
	Names control.Names
	Jobs  control.Jobs
	// Recipes are what can be begun with.
	Recipes control.Recipes
}

// Deps are what the area works with.
type Deps struct {
	area.Deps
	Box      Agent
	Accounts *signin.Service
}

// wayBack is what makes a one-time token on the box.
const wayBack = "sudo coopkit console token"

// pages are the handlers of this area.
type pages struct {
	Deps
	once *area.Once
}

// Routes registers the pages of this area.
func Routes(d Deps) {
	p := &pages{Deps: d, once: area.NewOnce(d.Now)}
	rt := d.UI.Router()
	rt.Public("GET /setup", p.setup)
	rt.Public("POST /setup", p.setupToken)
	rt.Public("GET /setup/steward", p.steward)
	rt.Public("POST /setup/steward", p.stewardMade)
	rt.Signed("GET /setup/name", p.name)
	rt.Signed("GET /setup/name/look", p.nameLook)
	rt.Signed("POST /setup/name", p.namePlan)
	rt.Signed("POST /setup/name/agree", p.nameAgreed)
	rt.Signed("GET /setup/begin", p.begin)
	rt.Signed("GET /setup/done", p.done)
	account.Routes(account.Options{UI: d.UI, Signin: d.Accounts, WayBack: wayBack})
}

// SetupFirst leads every page to the set-up while there is no account, and the
// home page to the question that this browser has not answered yet. It goes
// around the handler of the router.
func SetupFirst(accounts *signin.Service, next http.Handler) http.Handler {
	var over atomic.Bool // there is an account; the last one cannot be removed
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if resumes(r) && r.URL.Path == "/" && r.Method == http.MethodGet {
			http.Redirect(w, r, "/setup/name", http.StatusSeeOther)
			return
		}
		if over.Load() || r.Method != http.MethodGet && r.Method != http.MethodHead || openAtFirst(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		first, err := accounts.FirstRun(r.Context())
		if err == nil && first {
			http.Redirect(w, r, "/setup", http.StatusSeeOther)
			return
		}
		over.Store(err == nil)
		next.ServeHTTP(w, r)
	})
}

// openAtFirst are the pages that exist before the first account.
func openAtFirst(path string) bool {
	return path == "/setup" || strings.HasPrefix(path, "/setup/") || strings.HasPrefix(path, "/static/") || path == "/help" || path == "/accessibility"
}

// client is who asks: the console is reached without a proxy in between.
func client(r *http.Request) signin.Client { return account.Client(r, account.RemoteAddr(r)) }

// refused says at the form what is wrong with an account and returns the status
// of the page; an error that nobody can put right there is returned.
func refused(p *webkit.Page, err error) (status int, _ error) {
	mistake, ok := account.MistakeOf(p, err)
	if !ok {
		return 0, err
	}
	if mistake.Code == "signin-locked" {
		mistake.Field = "token"
	}
	p.Fail(mistake.Field, mistake.Text)
	return mistake.Status(), nil
}

// explained says at a field why the box does not take what it asks for.
func explained(p *webkit.Page, field string, err error) error {
	prob, ok := errors.AsType[*problem.Problem](err)
	if !ok || prob.Kind != problem.Invalid && prob.Kind != problem.Conflict {
		return err
	}
	what, why, next := webkit.Explain(p.Locale, prob)
	words := []string{area.Sentence(what), area.Sentence(why), area.Sentence(next.First())}
	p.Fail(field, strings.Join(strings.Fields(strings.Join(words, " ")), " "))
	return nil
}
