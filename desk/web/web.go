// SPDX-License-Identifier: AGPL-3.0-or-later

// Package web owns the pages of the desk: the fleet, a box, invitations, co-ops
// and people. What somebody may see and change is decided by the store's View
// alone; this package only leaves out forms that would be refused. It knows
// nothing of the protocol of the boxes and never of the appliance. Its tests
// render every page from a real store with seeded boxes, visit every route as a
// stranger and as somebody of another co-op, and look at 2,000 boxes.
package web

import (
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/desk/wire"
	"coopkit/internal/locale"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
	"coopkit/internal/webkit/account"
)

//go:embed templates messages
var files embed.FS

// Deps are what the pages work with.
type Deps struct {
	Store   *store.Store
	Signin  *signin.Service
	Log     *slog.Logger
	Now     func() time.Time
	Name    string // of this desk, for people
	Version string
	// Invitation makes a fresh code of this desk; its secret is shown once.
	Invitation func() (wire.Invitation, error)
	// WayBack is the command for somebody who cannot sign in.
	WayBack string
}

// Web is the desk's web interface. Make it with New; it is safe for concurrent
// use.
type Web struct {
	Deps
	ui *webkit.UI

	shown   shownCodes // of new invitations
	closing sync.Mutex // while somebody is closed: one coordinator stays, also of two who close each other
}

// New parses all templates and messages and returns the interface with all its
// routes.
func New(d Deps) (*Web, error) {
	w := &Web{Deps: d}
	var err error
	w.ui, err = webkit.New(webkit.Config{
		Name: "desk", Templates: []fs.FS{account.Files(), files}, Messages: []fs.FS{account.Files(), files},
		Log: d.Log, Now: d.Now, User: account.User(d.Signin), Frame: w.frame,
		Statements: d.Store.Statements,
	})
	if err != nil {
		return nil, err
	}
	w.routes()
	return w, nil
}

// Handler answers requests for pages.
func (d *Web) Handler() http.Handler { return d.ui.Router().Handler() }

// Bundle returns the messages, for the tests of other packages and this one.
func (d *Web) Bundle() *locale.Bundle { return d.ui.Bundle() }

// Routes are all routes of the pages, for the test that visits them.
func (d *Web) Routes() []webkit.Route { return d.ui.Router().Routes() }

func (d *Web) routes() {
	account.Routes(account.Options{UI: d.ui, Signin: d.Signin, WayBack: d.WayBack, Home: "/fleet", Facts: d.accountFacts})
	rt := d.ui.Router()
	rt.Signed("GET /{$}", func(w http.ResponseWriter, r *http.Request) error { return d.ui.Redirect(w, r, "/fleet") })
	rt.Signed("GET /fleet", d.fleetShow)
	rt.Signed("GET /fleet/events", d.fleetEvents)
	rt.Signed("GET /fleet.csv", d.fleetCSV)
	rt.Signed("GET /boxes/{id}", d.boxShow)
	rt.Signed("POST /boxes/{id}/confirm", d.boxConfirm)
	rt.Signed("POST /boxes/{id}/restored", d.boxRestored)
	rt.Signed("GET /boxes/{id}/remove", d.boxRemoveAsk)
	rt.Signed("POST /boxes/{id}/remove", d.boxRemove)
	rt.Signed("GET /invitations", d.invitationsShow)
	rt.Signed("POST /invitations", d.invite)
	rt.Signed("GET /invitations/made/{key}", d.invited)
	rt.Signed("POST /invitations/{id}/withdraw", d.withdraw)
	rt.Public("GET /join", d.join)
	rt.Signed("GET /coops", d.coopsShow)
	rt.Signed("POST /coops", d.coopAdd)
	rt.Signed("GET /people", d.peopleShow)
	rt.Signed("POST /people", d.personAdd)
	rt.Signed("POST /people/{id}/token", d.personToken)
	rt.Signed("POST /people/{id}/close", d.personClose)
	rt.Signed("POST /people/{id}/open", d.personOpen)
	rt.Public("GET /help", d.help)
	rt.Public("GET /accessibility", d.accessibility)
}

// asks is who asks, with what they may see.
type asks struct {
	*store.View
	who desk.Principal
}

// acts reports whether forms that change boxes make sense for this person.
func (a asks) acts() bool { return a.who.Role == desk.Technician || a.who.Role == desk.Coordinator }

// as returns the store as the person of the request may see it. The router has
// seen that there is a session.
func (d *Web) as(r *http.Request) (asks, error) {
	u, _ := webkit.UserOf(r.Context())
	p, err := d.Signin.Person(r.Context(), signin.PersonID(u.ID))
	if err != nil {
		return asks{}, err
	}
	who := desk.Principal{Person: p.Name, Coop: desk.CoopID(p.Coop), Role: desk.Role(p.Role)}
	return asks{d.Store.As(who), who}, nil
}
