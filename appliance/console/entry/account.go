// SPDX-License-Identifier: AGPL-3.0-or-later

package entry

import (
	"net/http"
	"time"

	"coopkit/internal/problem"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
)

// accountPage is somebody's own account.
type accountPage struct {
	formPage
	SignIn   string // the name to sign in with
	Sessions []sessionRow
	Others   int
}

// sessionRow is one browser in which somebody is signed in.
type sessionRow struct {
	ID, Browser, Address string
	Seen, Created        time.Time
	Here                 bool
}

// session returns whose request this is. The router lets nobody else in; the
// session may have ended in between.
func (d *pages) session(r *http.Request) (signin.Session, signin.Person, error) {
	sess, person, ok := d.Accounts.Session(r.Context(), r)
	if !ok {
		return sess, person, &problem.Problem{
			Code: "session-over", Kind: problem.Forbidden, What: "your session has ended, so nothing was changed",
			Why: "it was ended from another browser, or its time was over", Next: []string{"sign in and send it again"},
		}
	}
	return sess, person, nil
}

func (d *pages) account(w http.ResponseWriter, r *http.Request) error {
	p, err := d.newAccount(r)
	if err != nil {
		return err
	}
	p.passwordFields()
	return d.UI.Render(w, http.StatusOK, "entry-account", p)
}

func (d *pages) newAccount(r *http.Request) (accountPage, error) {
	sess, person, err := d.session(r)
	if err != nil {
		return accountPage{}, err
	}
	p := accountPage{formPage: formPage{Page: d.UI.NewPage(r, "entry.account.title")}, SignIn: person.Name}
	sessions, err := d.Accounts.Sessions(r.Context(), person.ID)
	if err != nil {
		return p, err
	}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, sessionRow{
			ID: string(s.ID), Browser: browser(p.Locale, s.Browser), Address: s.Address, Seen: s.Seen, Created: s.Created, Here: s.ID == sess.ID,
		})
	}
	p.Others = len(sessions) - 1
	p.Lead = p.T("entry.account.lead", "name", person.Display, "count", len(sessions))
	return p, nil
}

func (p *accountPage) passwordFields() {
	p.filled(
		webkit.Field{Name: "current", Label: p.T("entry.password.current"), Kind: "password", Autocomplete: "current-password"},
		webkit.Field{Name: "password", Label: p.T("entry.password.new"), Hint: p.T("entry.password.hint"), Kind: "password", Autocomplete: "new-password"},
	)
}

func (d *pages) passwordChanged(w http.ResponseWriter, r *http.Request) error {
	sess, _, err := d.session(r)
	if err != nil {
		return err
	}
	token, err := d.Accounts.ChangePassword(r.Context(), sess, r.FormValue("current"), r.FormValue("password"), client(r))
	if err == nil {
		d.Accounts.SetCookie(w, token)
		webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("entry.password.changed")})
		return d.UI.Redirect(w, r, "/account")
	}
	p, err2 := d.newAccount(r)
	if err2 != nil {
		return err2
	}
	status, err := refusePassword(p.Page, "current", err)
	if err != nil {
		return err
	}
	p.passwordFields()
	return d.UI.Render(w, status, "entry-account", p)
}

// refusePassword is refuse for somebody who is signed in: only the password can
// be wrong.
func refusePassword(p *webkit.Page, field string, err error) (int, error) {
	if problem.From(err, "").Code == "signin-wrong" {
		p.Fail(field, p.T("entry.password.wrong"))
		return http.StatusUnprocessableEntity, nil
	}
	return refuse(p, field, err)
}

// confirm asks for the password before something that a thief of the session
// must not do.
func (d *pages) confirm(w http.ResponseWriter, r *http.Request) error {
	p := d.newConfirm(r)
	return d.UI.Render(w, http.StatusOK, "entry-confirm", p)
}

func (d *pages) newConfirm(r *http.Request) formPage {
	p := formPage{Page: d.UI.NewPage(r, "entry.confirm.title"), Next: webkit.Next(r)}
	p.Crumbs = []webkit.Link{{Text: p.T("entry.account.title"), Href: "/account"}, {Text: p.T("entry.confirm.crumb")}}
	p.confirmFields()
	return p
}

func (p *formPage) confirmFields() {
	p.filled(webkit.Field{Name: "password", Label: p.T("entry.signin.password"), Kind: "password", Autocomplete: "current-password"})
}

func (d *pages) confirmed(w http.ResponseWriter, r *http.Request) error {
	sess, _, err := d.session(r)
	if err != nil {
		return err
	}
	err = d.Accounts.Confirm(r.Context(), sess, r.FormValue("password"), client(r))
	if err == nil {
		return d.UI.Redirect(w, r, webkit.Next(r))
	}
	p := d.newConfirm(r)
	status, err := refusePassword(p.Page, "password", err)
	if err != nil {
		return err
	}
	p.confirmFields()
	return d.UI.Render(w, status, "entry-confirm", p)
}

// fresh runs then if the password was typed lately, else asks for it first.
func (d *pages) fresh(w http.ResponseWriter, r *http.Request, then func(signin.Session) error) error {
	sess, _, err := d.session(r)
	if err != nil {
		return err
	}
	if !d.Accounts.Fresh(sess) {
		return d.UI.Redirect(w, r, "/account/confirm?next=/account")
	}
	return then(sess)
}

func (d *pages) sessionEnded(w http.ResponseWriter, r *http.Request) error {
	return d.fresh(w, r, func(sess signin.Session) error {
		if err := d.Accounts.Revoke(r.Context(), sess.Person, signin.SessionID(r.PathValue("id"))); err != nil {
			return err
		}
		webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("entry.session.ended")})
		return d.UI.Redirect(w, r, "/account")
	})
}

func (d *pages) othersEnded(w http.ResponseWriter, r *http.Request) error {
	return d.fresh(w, r, func(sess signin.Session) error {
		if err := d.Accounts.RevokeOthers(r.Context(), sess); err != nil {
			return err
		}
		webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("entry.others.ended")})
		return d.UI.Redirect(w, r, "/account")
	})
}
