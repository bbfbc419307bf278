// SPDX-License-Identifier: AGPL-3.0-or-later

// Package entry is how people get into the console: the first set-up of a box,
// signing in and out, the way back for who lost the password, and one's own
// account. It knows accounts through internal/signin and the box through
// control.Backend, and nothing of how either is kept. Its tests send every form
// well and badly, as a stranger and as somebody signed in, with real accounts
// in a database.
package entry

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"coopkit/appliance/console/area"
	"coopkit/internal/problem"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
)

//go:embed templates/*.html messages/*.json
var files embed.FS

// Files returns the templates and messages of this area.
func Files() fs.FS { return files }

// Deps are what the area works with.
type Deps struct {
	area.Deps
	Accounts *signin.Service
}

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
	rt.Signed("POST /setup/name", p.namePlan)
	rt.Signed("POST /setup/name/agree", p.nameAgreed)
	rt.Signed("GET /setup/done", p.done)

	rt.Public("GET /signin", p.signin)
	rt.Public("POST /signin", p.signinTried)
	rt.Public("POST /signout", p.signout)
	rt.Public("GET /signin/recover", p.recover)
	rt.Public("POST /signin/recover", p.recovered)

	rt.Signed("GET /account", p.account)
	rt.Signed("POST /account/password", p.passwordChanged)
	rt.Signed("GET /account/confirm", p.confirm)
	rt.Signed("POST /account/confirm", p.confirmed)
	rt.Signed("POST /account/sessions/{id}/end", p.sessionEnded)
	rt.Signed("POST /account/others/end", p.othersEnded)
}

// User says who sent a request, for webkit.Config.
func User(accounts *signin.Service) func(*http.Request) (webkit.User, bool) {
	return func(r *http.Request) (webkit.User, bool) {
		sess, person, ok := accounts.Session(r.Context(), r)
		if !ok {
			return webkit.User{}, false
		}
		return webkit.User{ID: string(person.ID), Name: person.Display, Role: person.Role, Session: string(sess.ID)}, true
	}
}

// SetupFirst leads every page to the set-up while there is no account. It goes
// around the handler of the router.
func SetupFirst(accounts *signin.Service, next http.Handler) http.Handler {
	var over atomic.Bool // there is an account; the last one can not be removed
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
func client(r *http.Request) signin.Client {
	c := signin.Client{Browser: r.UserAgent()}
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.Addr = at.Addr()
	}
	return c
}

// bare takes away what a page for strangers does not have.
func bare(p *webkit.Page) *webkit.Page {
	p.Wide, p.Nav, p.Crumbs = true, nil, nil
	return p
}

// refuse puts a Problem of an account to a field of the form, in the reader's
// language, and tells the status of the page; other errors are returned.
func refuse(p *webkit.Page, field string, err error) (status int, _ error) {
	prob, ok := errors.AsType[*problem.Problem](err)
	if !ok || prob.Kind == problem.Failed || prob.Kind == "" || prob.Kind == problem.Unavailable {
		return 0, err
	}
	if locked, ok := errors.AsType[*signin.LockedError](err); ok {
		p.Fail(field, p.T("entry.locked", "time", p.Clock(locked.Until.Local())))
		return http.StatusTooManyRequests, nil
	}
	what, _, next := webkit.Explain(p.Locale, prob)
	p.Fail(fieldOf(prob.Code, field), area.Sentence(what)+" "+area.Sentence(strings.Join(next[:min(1, len(next))], "")))
	return http.StatusUnprocessableEntity, nil
}

// fieldOf is the field that a mistake belongs to, by the beginning of its code.
func fieldOf(code, otherwise string) string {
	switch {
	case strings.HasPrefix(code, "password-"):
		return "password"
	case strings.HasPrefix(code, "person-display"):
		return "display"
	case strings.HasPrefix(code, "person-name"):
		return "user"
	default:
		return otherwise
	}
}
