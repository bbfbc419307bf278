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
// it once, and of two who ask at the same time one.
func (a *pages) signin(w http.ResponseWriter, r *http.Request) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
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
		return a.UI.Redirect(w, r, here)
	}
	if err != nil {
		return err
	}
	p = a.appPage(r, app, p.T("apps.signin"))
	p.Title, p.Lead, p.Path = p.T("apps.signin.title", "name", p.Title), p.T("apps.signin.lead"), here
	return a.UI.Render(w, http.StatusOK, "apps-signin", signinPage{p, s, signinCommand(app.Name), here})
}

// signinCommand shows the sign-in again at the terminal.
func signinCommand(name appliance.InstallName) string { return "coopkit app signin " + string(name) }

// SigninCommand is the same for the template.
func (v showPage) SigninCommand() string { return signinCommand(v.App.Name) }
