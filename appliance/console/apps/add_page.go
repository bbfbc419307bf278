// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

type askPage struct {
	*webkit.Page
	Action string
	Fields []webkit.Field
	More   []webkit.Field // questions that have an answer already
}

// Open reports whether something is to be put right among the questions that are
// folded away.
func (p askPage) Open() bool {
	return slices.ContainsFunc(p.More, func(f webkit.Field) bool { return f.Error != "" })
}

type planPage struct {
	*webkit.Page
	Plan area.Plan
}

// ask shows the questions of a recipe.
func (a *pages) ask(w http.ResponseWriter, r *http.Request) error {
	in, err := a.sent(r)
	if err != nil {
		return err
	}
	return a.renderAsk(w, r, http.StatusOK, a.addPage(r, in), in)
}

// addPage begins the pages about adding an app. A form that was sent can be
// looked at again, in another language too, by its GET address.
func (a *pages) addPage(r *http.Request, what answers) *webkit.Page {
	p := a.UI.NewPage(r, "apps.title")
	title := in(p.Locale, what.recipe.Title)
	p.Title = p.T("apps.add", "title", title)
	to := "/catalogue/" + what.recipe.Name
	p.Crumbs = []webkit.Link{{Text: p.T("apps.catalogue"), Href: "/catalogue"}, {Text: title, Href: to}, {Text: p.T("apps.add.crumb")}}
	if r.Method == http.MethodPost {
		p.Path = to + "/plan?" + what.query()
	}
	return p
}

func (a *pages) renderAsk(w http.ResponseWriter, r *http.Request, status int, p *webkit.Page, in answers) error {
	preset, err := a.suggest(r.Context(), in.recipe)
	if err != nil {
		return err
	}
	p.Lead = p.T("apps.ask.lead")
	page := askPage{Page: p, Action: "/catalogue/" + in.recipe.Name + "/plan"}
	page.Fields, page.More = in.fields(p, preset)
	return a.UI.Render(w, status, "apps-ask", page)
}

// plan shows what adding would do, or the questions again with what is to be
// put right.
func (a *pages) plan(w http.ResponseWriter, r *http.Request) error {
	in, err := a.sent(r)
	if err != nil {
		return err
	}
	if !in.sent() {
		return a.UI.Redirect(w, r, "/catalogue/"+in.recipe.Name+"/add")
	}
	p := a.addPage(r, in)
	if in.check(p); len(p.Errors) > 0 {
		return a.renderAsk(w, r, http.StatusUnprocessableEntity, p, in)
	}
	return a.renderPlan(w, r, http.StatusOK, p, in, "")
}

// renderPlan shows the plan; marks are those of the plan that was agreed to,
// when it is not the same any more.
func (a *pages) renderPlan(w http.ResponseWriter, r *http.Request, status int, p *webkit.Page, what answers, marks string) error {
	plan, err := a.Box.Apps.PlanAdd(r.Context(), what.request(""))
	if refused(p, err) {
		return a.renderAsk(w, r, http.StatusUnprocessableEntity, p, what)
	}
	if err != nil {
		return err
	}
	p.Title = p.T("apps.plan.title", "title", in(p.Locale, what.recipe.Title), "host", what.value("host", ""))
	p.Lead = p.T("apps.plan.lead")
	page := planPage{Page: p, Plan: area.PlanView(p, plan)}
	to := "/catalogue/" + what.recipe.Name + "/add"
	page.Plan.Action, page.Plan.Agree, page.Plan.Cancel, page.Plan.Hidden = to, p.T("apps.plan.agree"), to+"?"+what.query(), what.pairs()
	if marks != "" {
		page.Plan.ChangedSince(marks)
	}
	return a.UI.Render(w, status, "apps-plan", page)
}

// add starts adding, if the plan is still the one that was read.
func (a *pages) add(w http.ResponseWriter, r *http.Request) error {
	in, err := a.sent(r)
	if err != nil {
		return err
	}
	p := a.addPage(r, in)
	if in.check(p); len(p.Errors) > 0 {
		return a.renderAsk(w, r, http.StatusUnprocessableEntity, p, in)
	}
	id, err := a.once.Do(r.PostForm.Get(area.FieldKey), func() (appliance.Job, error) {
		return a.Box.Apps.Add(r.Context(), in.request(area.AgreedHash(r)))
	})
	switch {
	case errors.Is(err, &problem.Problem{Code: "plan-changed"}):
		return a.renderPlan(w, r, http.StatusConflict, p, in, cmp.Or(r.PostForm.Get(area.FieldRows), "-"))
	case refused(p, err):
		return a.renderAsk(w, r, http.StatusUnprocessableEntity, p, in)
	case err != nil:
		return err
	}
	return a.UI.Redirect(w, r, jobPath(id))
}

func jobPath(id appliance.JobID) string { return fmt.Sprintf("/jobs/%d", id) }
