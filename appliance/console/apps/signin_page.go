// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"errors"
	"net/http"

	"coopkit/appliance"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

type signinPage struct {
	*webkit.Page
	Signin  appliance.Signin
	Command string
	Back    string
}

// signin shows the first sign-in of an app. It is a change: the console shows
// it once, and of two who ask at the same time one. Whoever types their own
// password sees it again, which is a job for all to read.
func (a *pages) signin(w http.ResponseWriter, r *http.Request) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
	}
	if r.PostForm.Has("own-password") {
		return a.signinAgain(w, r, app)
	}
	s, err := a.Box.Apps.Signin(r.Context(), app.Name)
	if err != nil {
		return err
	}
	p := a.appPage(r, app, "")
	here := "/apps/" + string(app.Name)
	err = a.Box.Apps.MarkSigninShown(r.Context(), app.Name)
	if errors.Is(err, &problem.Problem{Code: "signin-shown"}) {
		webkit.SetFlash(w, webkit.Flash{Kind: "warn", Text: p.T("apps.signin.again")})
		return a.UI.Redirect(w, r, here+"#signin")
	}
	if err != nil {
		return err
	}
	return a.renderSignin(w, r, app, s)
}

// signinAgain shows it again to somebody who has typed their own password.
func (a *pages) signinAgain(w http.ResponseWriter, r *http.Request, app appliance.App) error {
	here := "/apps/" + string(app.Name) + "#signin"
	l, text := a.UI.Locale(r), ""
	err := a.Box.Confirm(r, r.PostForm.Get("own-password"))
	switch {
	case errors.Is(err, &problem.Problem{Code: "signin-wrong"}):
		text = l.T("apps.signin.wrong")
	case errors.Is(err, &problem.Problem{Code: "signin-locked"}):
		text = l.T("apps.signin.locked")
	case err != nil:
		return err
	}
	if text != "" {
		webkit.SetFlash(w, webkit.Flash{Kind: "warn", Text: text})
		return a.UI.Redirect(w, r, here)
	}
	s, err := a.Box.Apps.ShowSignin(r.Context(), app.Name)
	if err != nil {
		return err
	}
	return a.renderSignin(w, r, app, s)
}

func (a *pages) renderSignin(w http.ResponseWriter, r *http.Request, app appliance.App, s appliance.Signin) error {
	here := "/apps/" + string(app.Name)
	p := a.appPage(r, app, a.UI.Locale(r).T("apps.signin"))
	p.Title, p.Lead, p.Path = p.T("apps.signin.title", "name", p.Title), p.T("apps.signin.lead"), here
	return a.UI.Render(w, http.StatusOK, "apps-signin", signinPage{p, s, signinCommand(app.Name), here})
}

// signinCommand shows the sign-in again at the terminal.
func signinCommand(name appliance.InstallName) string { return "coopkit app signin " + string(name) }
