// SPDX-License-Identifier: AGPL-3.0-or-later

package entry

import (
	"net/http"

	"coopkit/internal/webkit"
)

// formPage is a page with one form and nothing else.
type formPage struct {
	*webkit.Page
	Next   string // path to go to after
	Fields []webkit.Field
}

// filled gives each field what is wrong with it.
func (p *formPage) filled(fields ...webkit.Field) {
	for i := range fields {
		fields[i].Error = p.Error(fields[i].Name)
	}
	p.Fields = fields
}

func (d *pages) signin(w http.ResponseWriter, r *http.Request) error {
	if _, ok := webkit.UserOf(r.Context()); ok {
		return d.UI.Redirect(w, r, webkit.Next(r))
	}
	p := d.newSignin(r)
	p.signinFields("")
	return d.UI.Render(w, http.StatusOK, "entry-signin", p)
}

func (d *pages) newSignin(r *http.Request) formPage {
	return formPage{Page: bare(d.UI.NewPage(r, "entry.signin.title")), Next: webkit.Next(r)}
}

func (p *formPage) signinFields(user string) {
	p.filled(
		webkit.Field{Name: "user", Label: p.T("entry.signin.user"), Value: user, Autocomplete: "username", Plain: true},
		webkit.Field{Name: "password", Label: p.T("entry.signin.password"), Kind: "password", Autocomplete: "current-password"},
	)
}

func (d *pages) signinTried(w http.ResponseWriter, r *http.Request) error {
	user := r.FormValue("user")
	session, _, err := d.Accounts.SignIn(r.Context(), user, r.FormValue("password"), client(r))
	if err == nil {
		d.Accounts.SetCookie(w, session)
		return d.UI.Redirect(w, r, webkit.Next(r))
	}
	p := d.newSignin(r)
	status, err := refuse(p.Page, "user", err)
	if err != nil {
		return err
	}
	p.signinFields(user)
	return d.UI.Render(w, status, "entry-signin", p)
}

// signout ends the session; who has none is led to the same place.
func (d *pages) signout(w http.ResponseWriter, r *http.Request) error {
	if sess, _, ok := d.Accounts.Session(r.Context(), r); ok {
		if err := d.Accounts.SignOut(r.Context(), sess); err != nil {
			return err
		}
	}
	d.Accounts.ClearCookie(w)
	webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("entry.signout.done")})
	return d.UI.Redirect(w, r, "/signin")
}

// recover is for who lost the password: a token from the box sets a new one.
func (d *pages) recover(w http.ResponseWriter, r *http.Request) error {
	p := formPage{Page: bare(d.UI.NewPage(r, "entry.recover.title"))}
	p.recoverFields("")
	return d.UI.Render(w, http.StatusOK, "entry-recover", p)
}

func (p *formPage) recoverFields(token string) {
	p.filled(
		webkit.Field{Name: "token", Label: p.T("entry.setup.token"), Hint: p.T("entry.setup.token.hint"), Value: token, Autocomplete: "one-time-code", Plain: true},
		webkit.Field{Name: "password", Label: p.T("entry.password.new"), Hint: p.T("entry.password.hint"), Kind: "password", Autocomplete: "new-password"},
	)
}

func (d *pages) recovered(w http.ResponseWriter, r *http.Request) error {
	token := r.FormValue("token")
	session, person, err := d.Accounts.Redeem(r.Context(), token, r.FormValue("password"), client(r))
	if err == nil {
		d.Accounts.SetCookie(w, session)
		webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("entry.recover.done", "user", person.Name)})
		return d.UI.Redirect(w, r, "/")
	}
	p := formPage{Page: bare(d.UI.NewPage(r, "entry.recover.title"))}
	status, err := refuse(p.Page, "token", err)
	if err != nil {
		return err
	}
	p.recoverFields(token)
	return d.UI.Render(w, status, "entry-recover", p)
}
