// SPDX-License-Identifier: AGPL-3.0-or-later

package account

import (
	"net/http"

	"coopkit/internal/webkit"
)

type signinPage struct {
	*webkit.Page
	Next           string
	Passed         []webkit.Pair // what was sent when the session had ended
	Name, Password webkit.Field
}

func (p pages) newSigninPage(r *http.Request) signinPage {
	page := signinPage{Page: p.UI.NewPage(r, "account.signin.title"), Next: webkit.Next(r), Passed: webkit.KeptOf(r).Passed()}
	page.Wide = true
	page.Name = webkit.Field{Name: "name", Label: page.T("account.name"), Value: r.PostFormValue("name"), Autocomplete: "username", Plain: true}
	page.Password = webkit.Field{Name: "password", Label: page.T("account.password"), Kind: "password", Autocomplete: "current-password"}
	return page
}

func (p pages) signinShow(w http.ResponseWriter, r *http.Request) error {
	if p.Begin != nil {
		path, err := p.Begin(r)
		if err != nil {
			return err
		}
		if path != "" {
			return p.UI.Redirect(w, r, path)
		}
	}
	if _, ok := webkit.UserOf(r.Context()); ok {
		return p.UI.Redirect(w, r, webkit.Next(r))
	}
	return p.UI.Render(w, http.StatusOK, "account-signin", p.newSigninPage(r))
}

func (p pages) signinDo(w http.ResponseWriter, r *http.Request) error {
	token, _, err := p.Signin.SignIn(r.Context(), r.PostFormValue("name"), r.PostFormValue("password"), p.client(r))
	if err != nil {
		page := p.newSigninPage(r)
		mistake, ok := MistakeOf(page.Page, err)
		if !ok {
			return err
		}
		page.Fail(mistake.Field, mistake.Text)
		page.Password.Error = mistake.Text
		return p.UI.Render(w, mistake.Status(), "account-signin", page)
	}
	p.Signin.SetCookie(w, token)
	if k := webkit.KeptOf(r); k.Path != "" {
		return p.resume(w, r, k)
	}
	return p.UI.Redirect(w, r, webkit.Next(r))
}

// signedOut asks for a sign-in and passes on what was sent meanwhile.
func (p pages) signedOut(w http.ResponseWriter, r *http.Request, next string, k webkit.Kept) error {
	page := p.newSigninPage(r)
	page.Name.Value, page.Next, page.Passed = "", next, k.Passed()
	page.Lead = page.T("account.ended")
	if k.Path != "" {
		page.Lead = page.T("account.ended.kept")
	}
	return p.UI.Render(w, http.StatusUnauthorized, "account-signin", page)
}

type resumePage struct {
	*webkit.Page
	Path, Next string
	Fields     []webkit.Pair
}

// resume lets somebody who has signed in again send what was typed before; a
// change is never made by the sign-in itself.
func (p pages) resume(w http.ResponseWriter, r *http.Request, k webkit.Kept) error {
	page := resumePage{Page: p.UI.NewPage(r, "account.resume.title"), Path: k.Path, Next: webkit.Next(r), Fields: k.Fields()}
	page.Lead, page.Wide = page.T("account.resume.lead"), true
	return p.UI.Render(w, http.StatusOK, "account-resume", page)
}

func (p pages) signout(w http.ResponseWriter, r *http.Request) error {
	if session, _, ok := p.Signin.Session(r.Context(), r); ok {
		if err := p.Signin.SignOut(r.Context(), session); err != nil {
			return err
		}
	}
	p.Signin.ClearCookie(w)
	webkit.SetFlash(w, webkit.Flash{Text: p.UI.Locale(r).T("account.signedout")})
	return p.UI.Redirect(w, r, "/signin")
}
