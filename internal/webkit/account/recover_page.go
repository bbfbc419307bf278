// SPDX-License-Identifier: AGPL-3.0-or-later

package account

import (
	"net/http"

	"coopkit/internal/webkit"
)

type recoverPage struct {
	*webkit.Page
	Command         string
	Token, Password webkit.Field
}

func (p pages) newRecoverPage(r *http.Request) recoverPage {
	page := recoverPage{Page: p.UI.NewPage(r, "account.recover.title"), Command: p.WayBack}
	page.Wide, page.Lead = true, page.T("account.recover.lead")
	page.Token = webkit.Field{
		Name: "token", Label: page.T("account.token"), Hint: page.T("account.token.hint"), Value: r.PostFormValue("token"),
		Autocomplete: "one-time-code", Plain: true,
	}
	page.Password = NewPasswordField(page.Page)
	return page
}

// NewPasswordField asks for a new password, with the rule in its hint.
func NewPasswordField(p *webkit.Page) webkit.Field {
	return webkit.Field{Name: "password", Label: p.T("account.password.new"), Hint: p.T("account.password.hint"), Kind: "password", Autocomplete: "new-password"}
}

func (p pages) recoverShow(w http.ResponseWriter, r *http.Request) error {
	return p.UI.Render(w, http.StatusOK, "account-recover", p.newRecoverPage(r))
}

func (p pages) recoverDo(w http.ResponseWriter, r *http.Request) error {
	session, _, err := p.Signin.Redeem(r.Context(), r.PostFormValue("token"), r.PostFormValue("password"), p.client(r))
	if err != nil {
		page := p.newRecoverPage(r)
		mistake, ok := MistakeOf(page.Page, err)
		if !ok {
			return err
		}
		if mistake.Code == "signin-locked" || mistake.Code == "account-closed" {
			mistake.Field = "token"
		}
		page.Fail(mistake.Field, mistake.Text)
		page.Token.Error, page.Password.Error = page.Error("token"), page.Error("password")
		return p.UI.Render(w, mistake.Status(), "account-recover", page)
	}
	p.Signin.SetCookie(w, session)
	webkit.SetFlash(w, webkit.Flash{Text: p.UI.Locale(r).T("account.password.set")})
	return p.UI.Redirect(w, r, p.Home)
}
