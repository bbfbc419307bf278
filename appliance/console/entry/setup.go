// SPDX-License-Identifier: AGPL-3.0-or-later

package entry

import (
	"net/http"
	"strings"

	"coopkit/internal/signin"
	"coopkit/internal/webkit"
	"coopkit/internal/webkit/account"
)

// setupPage is a page of the set-up. Step counts the questions from 1.
type setupPage struct {
	*webkit.Page
	Step, Steps int
	Command     string // that makes a token
	Back        string
	Fields      []webkit.Field
}

const questions = 4

func newSetup(page *webkit.Page, step int) setupPage {
	p := setupPage{Page: page, Step: step, Steps: questions, Command: wayBack}
	p.Brand = webkit.Brand{Name: "Coopkit", Sub: p.T("entry.setup.brand"), Href: "/setup"}
	p.Wide, p.Nav, p.Crumbs, p.User, p.Help = true, nil, nil, nil, "/help"
	return p
}

// Dots are the questions: d answered, h this one, empty to come.
func (p setupPage) Dots() []string {
	dots := make([]string, p.Steps)
	for i := range dots {
		if i+1 < p.Step {
			dots[i] = "d"
		} else if i+1 == p.Step {
			dots[i] = "h"
		}
	}
	return dots
}

// setupCookie carries the token from the first question to the second, so that
// it is in no address and in no page.
const setupCookie = "__Host-coopkit-setup" // the gateway keeps cookies of such names from apps

func keepToken(w http.ResponseWriter, token string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: setupCookie, Value: token, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// resumeCookie says which question comes next in this browser, so that one that is
// opened again goes on there.
const resumeCookie = "__Host-coopkit-question"

func resumeAt(w http.ResponseWriter, path string) {
	c := &http.Cookie{Name: resumeCookie, Value: path, Path: "/", MaxAge: 24 * 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if path == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// resumes reports whether this browser has the question about the name before it.
func resumes(r *http.Request) bool {
	_, err := r.Cookie(resumeCookie)
	return err == nil
}

func keptToken(r *http.Request) string {
	c, err := r.Cookie(setupCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// only lets the set-up begin while there is no account; who comes later is led
// on.
func (d *pages) only(w http.ResponseWriter, r *http.Request, then func() error) error {
	first, err := d.Accounts.FirstRun(r.Context())
	if err != nil {
		return err
	}
	if first {
		return then()
	}
	if _, ok := webkit.UserOf(r.Context()); ok {
		return d.UI.Redirect(w, r, "/setup/name")
	}
	return d.UI.Redirect(w, r, "/signin")
}

// setup asks for the language and for the token from the terminal.
func (d *pages) setup(w http.ResponseWriter, r *http.Request) error {
	return d.only(w, r, func() error {
		if !r.URL.Query().Has("back") && d.hasToken(w, r) { // it was answered in this browser
			return d.UI.Redirect(w, r, "/setup/steward")
		}
		return d.UI.Render(w, http.StatusOK, "entry-setup", d.askToken(r))
	})
}

func (d *pages) askToken(r *http.Request) setupPage {
	p := newSetup(d.UI.NewPage(r, "entry.setup.title"), 1)
	p.Fields = []webkit.Field{{
		Name: "token", Label: p.T("entry.setup.token"), Hint: p.T("account.token.hint"), Value: r.PostFormValue("token"), Autocomplete: "one-time-code", Plain: true,
	}}
	return p
}

func (d *pages) setupToken(w http.ResponseWriter, r *http.Request) error {
	return d.only(w, r, func() error {
		token := r.FormValue("token")
		if strings.TrimSpace(token) == "" {
			p := d.askToken(r)
			p.Fail("token", p.T("entry.setup.token.missing"))
			p.Fields[0].Error = p.Error("token")
			return d.UI.Render(w, http.StatusUnprocessableEntity, "entry-setup", p)
		}
		_, err := d.Accounts.CheckToken(r.Context(), token, client(r))
		if err == nil {
			keepToken(w, token, 1800)
			return d.UI.Redirect(w, r, "/setup/steward")
		}
		p := d.askToken(r)
		status, err := refused(p.Page, err)
		if err != nil {
			return err
		}
		p.Fields[0].Error = p.Error("token")
		return d.UI.Render(w, status, "entry-setup", p)
	})
}

// hasToken reports whether this browser has answered the first question. A
// token that is over by now is forgotten.
func (d *pages) hasToken(w http.ResponseWriter, r *http.Request) bool {
	token := keptToken(r)
	if token == "" {
		return false
	}
	_, err := d.Accounts.CheckToken(r.Context(), token, client(r))
	if err != nil {
		keepToken(w, "", -1)
	}
	return err == nil
}

// steward asks for the co-op and for who looks after the box.
func (d *pages) steward(w http.ResponseWriter, r *http.Request) error {
	return d.only(w, r, func() error {
		if !d.hasToken(w, r) {
			return d.UI.Redirect(w, r, "/setup")
		}
		p := newSetup(d.UI.NewPage(r, "entry.steward.title"), 2)
		settings, err := d.Box.Box.Settings(r.Context())
		if err != nil {
			return err
		}
		d.stewardFields(&p, stewardAnswers{coop: settings.Coop})
		return d.UI.Render(w, http.StatusOK, "entry-steward", p)
	})
}

type stewardAnswers struct{ coop, display, name string }

func (d *pages) stewardFields(p *setupPage, a stewardAnswers) {
	p.Back = "/setup?back=1"
	p.Fields = []webkit.Field{
		{Name: "display", Label: p.T("entry.steward.display"), Hint: p.T("entry.steward.display.hint"), Value: a.display, Autocomplete: "name"},
		{Name: "name", Label: p.T("entry.steward.user"), Hint: p.T("entry.steward.user.hint"), Value: a.name, Autocomplete: "username", Plain: true},
		account.NewPasswordField(p.Page),
		{Name: "coop", Label: p.T("entry.steward.coop"), Hint: p.T("entry.steward.coop.hint"), Value: a.coop, Autocomplete: "organization"},
	}
	for i := range p.Fields {
		p.Fields[i].Required = true
		p.Fields[i].Error = p.Error(p.Fields[i].Name)
	}
}

func (d *pages) stewardMade(w http.ResponseWriter, r *http.Request) error {
	return d.only(w, r, func() error {
		if !d.hasToken(w, r) { // nobody else may set anything here
			return d.UI.Redirect(w, r, "/setup")
		}
		a := stewardAnswers{coop: r.FormValue("coop"), display: r.FormValue("display"), name: r.FormValue("name")}
		p := newSetup(d.UI.NewPage(r, "entry.steward.title"), 2)
		status, err := d.makeSteward(w, r, p.Page, a)
		if err != nil {
			return err
		}
		if status == 0 {
			resumeAt(w, "/setup/name")
			return d.UI.Redirect(w, r, "/setup/name")
		}
		d.stewardFields(&p, a)
		return d.UI.Render(w, status, "entry-steward", p)
	})
}

// check adds all that is to be put right to the page, in the order of the fields.
func (a stewardAnswers) check(p *webkit.Page, person signin.NewPerson) error {
	if strings.TrimSpace(a.display) == "" {
		p.Fail("display", p.T("entry.steward.display.missing"))
	}
	for _, wrong := range signin.CheckNew(person) {
		if _, err := refused(p, wrong); err != nil {
			return err
		}
	}
	if strings.TrimSpace(a.coop) == "" {
		p.Fail("coop", p.T("entry.steward.coop.missing"))
	}
	return nil
}

// makeSteward checks the answers, then makes the account and signs it in. The
// status is that of the form to show again, or 0.
func (d *pages) makeSteward(w http.ResponseWriter, r *http.Request, p *webkit.Page, a stewardAnswers) (status int, _ error) {
	settings, err := d.Box.Box.Settings(r.Context())
	if err != nil {
		return 0, err
	}
	settings.Coop, settings.Language = a.coop, p.Lang
	person := signin.NewPerson{Name: a.name, Display: a.display, Language: p.Lang, Password: r.FormValue("password")}
	if err := a.check(p, person); err != nil || len(p.Errors) > 0 {
		return http.StatusUnprocessableEntity, err
	}
	if err := d.Box.Box.SaveSettings(r.Context(), settings); err != nil {
		return http.StatusUnprocessableEntity, explained(p, "coop", err)
	}
	session, _, err := d.Accounts.FirstAccount(r.Context(), keptToken(r), person, client(r))
	if err != nil {
		return refused(p, err)
	}
	d.Accounts.SetCookie(w, session)
	keepToken(w, "", -1)
	return 0, nil
}
