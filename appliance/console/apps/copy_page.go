// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"
	"io"
	"net/http"
	"slices"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/webkit"
)

// copyPage offers the copy of an app that is there, and the plan of a new one.
type copyPage struct {
	*webkit.Page
	Kept     string // what there is, and until when; empty: no copy
	Download webkit.Action
	Plan     area.Plan
}

func (a *pages) askCopy(w http.ResponseWriter, r *http.Request) error {
	return a.renderCopy(w, r, http.StatusOK, "")
}

// renderCopy shows the page; marks are those of a plan that is not true any more.
func (a *pages) renderCopy(w http.ResponseWriter, r *http.Request, status int, marks string) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
	}
	plan, err := a.Box.Apps.PlanExport(r.Context(), appliance.ExportApp{Name: string(app.Name)})
	if err != nil {
		return err
	}
	copies, err := a.Box.Apps.Copies(r.Context())
	if err != nil {
		return err
	}
	p := a.UI.NewPage(r, "apps.copy.title", "name", app.Title)
	p.Crumbs = a.appPage(r, app, p.T("apps.copy.crumb")).Crumbs
	p.Lead = p.T("apps.copy.lead")
	v := copyPage{Page: p, Plan: area.PlanView(p, plan)}
	here := "/apps/" + string(app.Name)
	if i := slices.IndexFunc(copies, func(c appliance.AppCopy) bool { return c.App == app.Name }); i >= 0 {
		c := copies[i]
		v.Kept = p.T("apps.copy.kept", "when", p.Locale.Ago(c.Made, p.Now), "until", p.Date(c.Expires))
		v.Download = webkit.Action{Text: p.T("apps.copy.download", "size", p.Bytes(uint64(max(c.Bytes, 0)))), Href: here + "/copy.zip", Kind: "go", Icon: "down"}
	}
	v.Plan.Action, v.Plan.Agree, v.Plan.Cancel = here+"/copy", p.T("apps.copy.agree"), here
	if marks != "" {
		v.Plan.ChangedSince(marks)
	}
	return a.UI.Render(w, status, "apps-copy", v)
}

// copy starts making a copy, if the plan is the one that was read.
func (a *pages) copy(w http.ResponseWriter, r *http.Request) error {
	return a.once.Agree(a.UI, w, r, func(hash string) (appliance.Job, error) {
		return a.Box.Apps.Export(r.Context(), appliance.ExportApp{Name: r.PathValue("install"), PlanHash: hash})
	}, func() error {
		return a.renderCopy(w, r, http.StatusConflict, cmp.Or(r.PostForm.Get(area.FieldRows), "-"))
	})
}

// download sends the newest copy.
func (a *pages) download(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("install")
	return webkit.Download(w, name+".zip", "application/zip", func(to io.Writer) error {
		return a.Box.Apps.Copy(r.Context(), appliance.InstallName(name), to)
	})
}
