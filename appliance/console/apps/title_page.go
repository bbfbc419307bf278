// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"net/http"

	"coopkit/appliance"
	"coopkit/internal/webkit"
)

func calledField(p *webkit.Page, value string) webkit.Field {
	return webkit.Field{
		Name: "called", Label: p.T("apps.title.new"), Hint: p.T("apps.field.title.hint"), Error: p.Error("called"), Value: value, Autocomplete: "off",
	}
}

// retitle calls an app by another everyday name.
func (a *pages) retitle(w http.ResponseWriter, r *http.Request) error {
	app, rec, err := a.install(r)
	if err != nil {
		return err
	}
	p := a.appPage(r, app, "")
	typed := r.PostFormValue("called")
	title, err := appliance.ParseTitle(typed)
	if err != nil {
		p.Fail("called", p.T("apps.wrong.title", "most", appliance.MaxTitle))
		return a.renderShow(w, r, http.StatusUnprocessableEntity, p, app, rec, typed)
	}
	here := "/apps/" + string(app.Name)
	if title == app.Title {
		return a.UI.Redirect(w, r, here)
	}
	all, err := a.Box.Apps.List(r.Context())
	if err != nil {
		return err
	}
	if _, err := a.Box.Apps.Retitle(r.Context(), appliance.RetitleApp{Name: app.Name, Title: title}); err != nil {
		return err
	}
	flash := webkit.Flash{Text: p.T("apps.title.done")}
	if _, same := appliance.SameTitle(all, app.Name, title); same {
		flash = webkit.Flash{Kind: "warn", Text: p.T("apps.title.same", "title", title)}
	}
	webkit.SetFlash(w, flash)
	return a.UI.Redirect(w, r, here)
}
