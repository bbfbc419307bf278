// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"
	"net/http"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/webkit"
)

type removePage struct {
	*webkit.Page
	Plan     area.Plan
	Goes     []string
	Stays    []string
	Everyday string // name of the app, to type
}

func (a *pages) askRemove(w http.ResponseWriter, r *http.Request) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
	}
	return a.renderRemove(w, r, http.StatusOK, a.removePage(r, app), app, "", "")
}

func (a *pages) removePage(r *http.Request, app appliance.App) *webkit.Page {
	p := a.UI.NewPage(r, "apps.title")
	p.Crumbs = a.appPage(r, app, p.T("apps.remove.crumb")).Crumbs
	return p
}

func (a *pages) renderRemove(w http.ResponseWriter, r *http.Request, status int, p *webkit.Page, app appliance.App, typed, marks string) error {
	plan, err := a.Box.Apps.PlanRemove(r.Context(), appliance.RemoveApp{Name: string(app.Name)})
	if err != nil {
		return err
	}
	v := removePage{Page: p, Plan: area.PlanView(p, plan), Everyday: app.Title}
	p.Title, p.Lead = p.T("apps.remove.title", "name", v.Everyday), p.T("apps.remove.lead")
	var hosts []string
	for _, h := range app.Addresses {
		hosts = append(hosts, h.String())
	}
	v.Goes = []string{p.T("apps.remove.goes.app", "program", app.Program), p.T("apps.remove.goes.data"), p.T("apps.remove.goes.address", "hosts", p.List(hosts))}
	v.Stays = []string{p.T("apps.remove.stays.export"), p.T("apps.remove.stays.rest")}
	here := "/apps/" + string(app.Name)
	v.Plan.Action, v.Plan.Agree, v.Plan.Cancel, v.Plan.Risk = here+"/remove", p.T("apps.remove.agree"), here, true
	v.Plan.Fields = []webkit.Field{{
		Name: "typed", Label: p.T("apps.remove.typed", "name", v.Everyday), Hint: p.T("apps.remove.typed.hint"),
		Error: p.Error("typed"), Value: typed, Autocomplete: "off", Plain: true,
	}}
	if marks != "" {
		v.Plan.ChangedSince(marks)
	}
	return a.UI.Render(w, status, "apps-remove", v)
}

// remove starts removing, if its name was typed and the plan is the one that
// was read.
func (a *pages) remove(w http.ResponseWriter, r *http.Request) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
	}
	p := a.removePage(r, app)
	typed := r.PostFormValue("typed")
	if got := fold(typed); got == "" || got != fold(app.Title) && got != fold(string(app.Name)) {
		p.Fail("typed", p.T("apps.wrong.typed", "name", app.Title))
		return a.renderRemove(w, r, http.StatusUnprocessableEntity, p, app, typed, "")
	}
	return a.once.Agree(a.UI, w, r, func(hash string) (appliance.Job, error) {
		return a.Box.Apps.Remove(r.Context(), appliance.RemoveApp{Name: string(app.Name), PlanHash: hash})
	}, func() error {
		return a.renderRemove(w, r, http.StatusConflict, p, app, typed, cmp.Or(r.PostForm.Get(area.FieldRows), "-"))
	})
}
