// SPDX-License-Identifier: AGPL-3.0-or-later

// Package account owns the pages that console and desk share about accounts:
// signing in and out, the way back for whoever cannot, and one's own account with
// its password and the browsers that are signed in. What an account may do is
// not known here. Its tests sign in over HTTP with a real database.
package account

import (
	"cmp"
	"context"
	"embed"
	"io/fs"
	"net/http"
	"net/netip"

	"coopkit/internal/signin"
	"coopkit/internal/webkit"
)

//go:embed templates messages
var files embed.FS

// Files returns the templates and messages, for webkit.Config.
func Files() fs.FS { return files }

// Options are what the pages differ in.
type Options struct {
	UI     *webkit.UI
	Signin *signin.Service
	// WayBack is the command that prints a token for somebody who cannot sign in.
	WayBack string
	// Addr returns the visitor's own address; nil: the one that the connection
	// comes from.
	Addr func(*http.Request) netip.Addr
	// Begin answers GET /signin instead of the form when it returns a path, such as
	// that of the set-up of a box without any account; nil: never.
	Begin func(*http.Request) (path string, err error)
	// Home is where somebody goes who came back in; empty: "/". A page that only
	// leads on would swallow what is to be said there.
	Home string
	// Facts are further lines about the person on the account page; nil: none.
	Facts func(context.Context, *webkit.Page, signin.Person) []webkit.Row
}

type pages struct{ Options }

// Routes adds the pages to the router of o.UI.
func Routes(o Options) {
	p := pages{o}
	if p.Addr == nil {
		p.Addr = RemoteAddr
	}
	p.Home = cmp.Or(p.Home, "/")
	rt := o.UI.Router()
	rt.Public("GET /signin", p.signinShow)
	rt.Public("POST /signin", p.signinDo)
	rt.Public("GET /signin/recover", p.recoverShow)
	rt.Public("POST /signin/recover", p.recoverDo)
	rt.SignedOut(p.signedOut)
	rt.Signed("POST /signout", p.signout)
	rt.Signed("GET /account", p.show)
	rt.Signed("POST /account/password", p.changePassword)
	rt.Signed("POST /account/sessions/{id}/end", p.endSession)
	rt.Signed("POST /account/sessions/others/end", p.endOthers)
}

// User is webkit.Config.User for accounts of s. The role is the account's.
func User(s *signin.Service) func(*http.Request) (webkit.User, bool) {
	return func(r *http.Request) (webkit.User, bool) {
		session, person, ok := s.Session(r.Context(), r)
		return webkit.User{ID: string(person.ID), Name: person.Display, Role: person.Role, Session: string(session.ID)}, ok
	}
}

// RemoteAddr is where the connection of r comes from.
func RemoteAddr(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr()
}

// Client is who asks, as package signin wants to know it.
func Client(r *http.Request, addr netip.Addr) signin.Client {
	return signin.Client{Addr: addr, Browser: browser(r.UserAgent())}
}

func (p pages) client(r *http.Request) signin.Client { return Client(r, p.Addr(r)) }
