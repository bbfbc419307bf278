// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"coopkit/internal/problem"
)

// Handler answers one request; an error becomes a page in one place.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Access says who may call a route.
type Access string

// Who may call. Everything that is not Public needs a session.
const (
	Public Access = "public"
	Signed Access = "signed"
)

// Route is one entry of the list of routes.
type Route struct {
	Method, Pattern string
	Access          Access
	MaxBody         int64
}

// usualBody is how large the body of a form may be.
const usualBody = 64 << 10

// Router knows every route and who may call it; what it does not know is not
// found, for strangers a sign-in.
type Router struct {
	ui     *UI
	mux    *http.ServeMux
	routes []Route
	lives  lives

	signedOut func(w http.ResponseWriter, r *http.Request, next string, k Kept) error
}

func newRouter(ui *UI) *Router {
	rt := &Router{ui: ui, mux: http.NewServeMux()}
	rt.mux.Handle("GET "+staticPath, ui.assets)
	rt.mux.Handle("/", rt.guard(Signed, usualBody, func(http.ResponseWriter, *http.Request) error { return notFound() }))
	return rt
}

// Public adds a route that anybody may call.
func (rt *Router) Public(pattern string, h Handler) { rt.add(Public, usualBody, pattern, h) }

// Signed adds a route that needs a session.
func (rt *Router) Signed(pattern string, h Handler) { rt.add(Signed, usualBody, pattern, h) }

// Upload adds a route that needs a session and takes a body of up to limit
// bytes.
func (rt *Router) Upload(pattern string, limit int64, h Handler) { rt.add(Signed, limit, pattern, h) }

func (rt *Router) add(access Access, limit int64, pattern string, h Handler) {
	method, path, _ := strings.Cut(pattern, " ")
	rt.routes = append(rt.routes, Route{Method: method, Pattern: path, Access: access, MaxBody: limit})
	rt.mux.Handle(pattern, rt.guard(access, limit, h))
}

// SignedOut sets what answers a change by somebody whose session has ended: a
// sign-in that passes on what was sent, and leads to next. Without it, the change
// is refused.
func (rt *Router) SignedOut(h func(w http.ResponseWriter, r *http.Request, next string, k Kept) error) {
	rt.signedOut = h
}

// Routes returns all routes, sorted, for the test that visits every one of them
// as a stranger.
func (rt *Router) Routes() []Route {
	out := slices.Clone(rt.routes)
	slices.SortFunc(out, func(a, b Route) int { return strings.Compare(a.Pattern+a.Method, b.Pattern+b.Method) })
	return out
}

// Handler returns the routes behind the middleware that every request passes:
// request id, log, recover, headers, cross-origin protection, preferences.
func (rt *Router) Handler() http.Handler {
	h := rt.ui.preferences(rt.mux)
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(rt.ui.handle(func(http.ResponseWriter, *http.Request) error { return crossOrigin() }))
	return rt.ui.withID(rt.ui.logged(rt.ui.recovered(headers(protection.Handler(compressed(h))))))
}

// guard lets nobody pass who may not; a stranger who looks is sent to sign in,
// one who changes something is refused.
func (rt *Router) guard(access Access, limit int64, h Handler) http.Handler {
	return rt.ui.handle(func(w http.ResponseWriter, r *http.Request) error {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		if limit == usualBody {
			patience(w) // uploads and streams set their own deadlines as they go
		}
		if r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/events") && cookieValue(r, flashCookie) != "" {
			setCookie(w, flashCookie, "", -1) // this page shows it, no later one
		}
		user, ok := rt.ui.cfg.User(r)
		if ok {
			ctx := context.WithValue(r.Context(), userKey{}, user)
			if rt.ui.cfg.Context != nil {
				ctx = rt.ui.cfg.Context(ctx, user)
			}
			r = r.WithContext(ctx)
		}
		if access == Public || ok {
			if err := readForm(r, limit); err != nil {
				return err
			}
			serve := h
			if ok && strings.HasSuffix(r.URL.Path, "/events") {
				serve = rt.live(user, h)
			}
			if err := serve(w, r); err != nil {
				rt.ui.fail(w, r, err) // here the request knows whose page it is
			}
			return nil
		}
		if strings.HasSuffix(r.URL.Path, "/events") {
			return signedOut()
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return rt.refuse(w, r, limit)
		}
		http.Redirect(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return nil
	})
}

// refuse answers a change by a stranger, or by somebody whose session has ended.
func (rt *Router) refuse(w http.ResponseWriter, r *http.Request, limit int64) error {
	if rt.signedOut == nil {
		return signedOut()
	}
	k := Kept{}
	if limit == usualBody {
		k = keep(r)
	}
	return rt.signedOut(w, r, rt.again(r), k)
}

// readForm reads query and form, so that no handler takes a form that did not
// arrive whole for one with empty fields. A query that cannot be read is no
// reason to show nothing.
func readForm(r *http.Request, limit int64) error {
	if limit != usualBody {
		return nil // an upload is read as it comes
	}
	err := r.ParseForm()
	if _, long := errors.AsType[*http.MaxBytesError](err); err == nil || r.Method != http.MethodPost {
		return nil
	} else if long {
		return err
	}
	return &problem.Problem{
		Code: "form-unreadable", Kind: problem.Invalid, What: "the form did not arrive whole", Next: []string{"send it again"}, Err: err,
	}
}

// patience gives a browser a minute for a form and its answer, so that slow
// ones hold nothing for ever. Where a connection has no deadlines, as in tests,
// there is nothing to bound.
func patience(w http.ResponseWriter) {
	rc, until := http.NewResponseController(w), time.Now().Add(time.Minute)
	if rc.SetReadDeadline(until) == nil {
		_ = rc.SetWriteDeadline(until) // it has the first, so it has the second
	}
}

type userKey struct{}

// UserOf returns who sent the request of this context.
func UserOf(ctx context.Context) (User, bool) {
	u, ok := ctx.Value(userKey{}).(User)
	return u, ok
}

// Next returns where to go after a sign-in: a path of this site, or the home
// page.
func Next(r *http.Request) string {
	next := r.FormValue("next")
	if !local(next) {
		return "/"
	}
	return next
}

// local reports whether a path leads to a place of this site, however a browser
// reads it.
func local(path string) bool {
	u, err := url.Parse(path)
	return err == nil && !u.IsAbs() && u.Host == "" && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.Contains(path, "\\")
}

// again is where the page of a request can be had again: at its own address, or
// where that only takes forms, at the next one above that shows a page.
func (rt *Router) again(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r.URL.RequestURI()
	}
	for at := path.Clean(r.URL.Path); len(at) > 1; at = path.Dir(at) {
		u := &url.URL{Path: at}
		if _, pattern := rt.mux.Handler(&http.Request{Method: http.MethodGet, Host: r.Host, URL: u}); strings.HasPrefix(pattern, http.MethodGet+" ") {
			return u.EscapedPath()
		}
	}
	return "/"
}
