// SPDX-License-Identifier: AGPL-3.0-or-later

package account

import (
	"html/template"
	"net/http"

	"coopkit/internal/problem"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
)

type accountPage struct {
	*webkit.Page
	Facts         []webkit.Row
	Name          string // for password managers
	Current, Next webkit.Field
	Sessions      []sessionRow
}

type sessionRow struct {
	ID, Browser, Address string
	Here                 bool
	Since, Seen          template.HTML
	End                  string // what the button says to who does not see the row
}

// self is who asks; a session that ended since the router looked is none.
func (p pages) self(r *http.Request) (signin.Session, signin.Person, error) {
	session, person, ok := p.Signin.Session(r.Context(), r)
	if !ok {
		return session, person, &problem.Problem{
			Code: "session-over", Kind: problem.Forbidden, What: "your session ended a moment ago, so nothing was changed",
			Next: []string{"sign in and send it again"},
		}
	}
	return session, person, nil
}

func (p pages) newAccountPage(r *http.Request, session signin.Session, person signin.Person) (accountPage, error) {
	page := accountPage{Page: p.UI.NewPage(r, "account.title"), Name: person.Name}
	page.Lead = page.T("account.lead", "name", person.Name)
	if p.Facts != nil {
		page.Facts = p.Facts(r.Context(), page.Page, person)
	}
	page.Current = webkit.Field{Name: "current", Label: page.T("account.password.current"), Kind: "password", Autocomplete: "current-password"}
	page.Next = NewPasswordField(page.Page)
	sessions, err := p.Signin.Sessions(r.Context(), person.ID)
	for _, s := range sessions {
		page.Sessions = append(page.Sessions, sessionRow{
			ID: string(s.ID), Browser: s.Browser, Address: s.Address, Here: s.ID == session.ID,
			Since: page.Moment(s.Created), Seen: page.Ago(s.Seen), End: page.T("account.session.end.of", "browser", s.Browser, "address", s.Address),
		})
	}
	return page, err
}

func (p pages) show(w http.ResponseWriter, r *http.Request) error {
	session, person, err := p.self(r)
	if err != nil {
		return err
	}
	page, err := p.newAccountPage(r, session, person)
	if err != nil {
		return err
	}
	return p.UI.Render(w, http.StatusOK, "account", page)
}

func (p pages) changePassword(w http.ResponseWriter, r *http.Request) error {
	session, person, err := p.self(r)
	if err != nil {
		return err
	}
	token, err := p.Signin.ChangePassword(r.Context(), session, r.PostFormValue("current"), r.PostFormValue("password"), p.client(r))
	if err != nil {
		return p.passwordRefused(w, r, session, person, err)
	}
	p.Signin.SetCookie(w, token)
	webkit.SetFlash(w, webkit.Flash{Text: p.UI.Locale(r).T("account.password.changed")})
	return p.UI.Redirect(w, r, "/account")
}

func (p pages) passwordRefused(w http.ResponseWriter, r *http.Request, session signin.Session, person signin.Person, cause error) error {
	page, err := p.newAccountPage(r, session, person)
	if err != nil {
		return err
	}
	mistake, ok := MistakeOf(page.Page, cause)
	if !ok {
		return cause
	}
	switch mistake.Code {
	case "signin-wrong":
		mistake.Field, mistake.Text = "current", page.T("account.password.wrong")
	case "signin-locked":
		mistake.Field = "current"
	}
	page.Fail(mistake.Field, mistake.Text)
	page.Current.Error, page.Next.Error = page.Error("current"), page.Error("password")
	return p.UI.Render(w, mistake.Status(), "account", page)
}

func (p pages) endSession(w http.ResponseWriter, r *http.Request) error {
	session, person, err := p.self(r)
	if err != nil {
		return err
	}
	id := signin.SessionID(r.PathValue("id"))
	if err := p.Signin.Revoke(r.Context(), person.ID, id); err != nil {
		return err
	}
	if id == session.ID {
		p.Signin.ClearCookie(w)
		return p.UI.Redirect(w, r, "/signin")
	}
	webkit.SetFlash(w, webkit.Flash{Text: p.UI.Locale(r).T("account.session.ended")})
	return p.UI.Redirect(w, r, "/account")
}

func (p pages) endOthers(w http.ResponseWriter, r *http.Request) error {
	session, _, err := p.self(r)
	if err != nil {
		return err
	}
	if err := p.Signin.RevokeOthers(r.Context(), session); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: p.UI.Locale(r).T("account.session.others.ended")})
	return p.UI.Redirect(w, r, "/account")
}
