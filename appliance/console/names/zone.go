// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"errors"
	"net/http"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// newPage asks for a name for this box to answer for.
type newPage struct {
	*webkit.Page
	Zone webkit.Field
}

// planPage shows what a change would do.
type planPage struct {
	*webkit.Page
	Plan area.Plan
}

// ask asks for the name and, when there is one, shows the plan.
func (n *names) ask(w http.ResponseWriter, r *http.Request) error {
	if !r.URL.Query().Has("zone") {
		return n.UI.Render(w, http.StatusOK, "names-new", n.newPage(r, ""))
	}
	typed := r.URL.Query().Get("zone")
	plan, err := n.planAdd(r, typed)
	p, ok := errors.AsType[*problem.Problem](err)
	if ok && (p.Kind == problem.Invalid || p.Kind == problem.Conflict) {
		v := n.newPage(r, typed)
		what, _, _ := webkit.Explain(v.Locale, p)
		if p.Code == "host-name-invalid" {
			what = v.T("names.new.invalid", "typed", clipped(typed))
		}
		v.Fail("zone", what)
		v.Zone.Error = what
		return n.UI.Render(w, http.StatusUnprocessableEntity, "names-new", v)
	}
	if err != nil {
		return err
	}
	return n.showAdd(w, r, plan, http.StatusOK, "")
}

func clipped(s string) string {
	if runes := []rune(s); len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return s
}

func (n *names) planAdd(r *http.Request, typed string) (appliance.Plan, error) {
	zone, err := hostname.Parse(typed)
	if err != nil {
		return appliance.Plan{}, err
	}
	return n.Box.Names.PlanAddZone(r.Context(), appliance.ZoneChange{Zone: string(zone)})
}

func (n *names) newPage(r *http.Request, typed string) *newPage {
	p := n.UI.NewPage(r, "names.new.title")
	p.Lead = p.T("names.new.lead")
	p.Crumbs = crumbs(p, webkit.Link{Text: p.T("names.new.crumb")})
	return &newPage{Page: p, Zone: webkit.Field{
		Name: "zone", Label: p.T("names.new.zone"), Hint: p.T("names.new.zone.hint"), Value: typed, Plain: true, Autocomplete: "off",
	}}
}

func (n *names) showAdd(w http.ResponseWriter, r *http.Request, plan appliance.Plan, status int, marks string) error {
	zone := say.Subject(plan.Subject)
	p := n.UI.NewPage(r, "names.plan.title", "name", zone)
	p.Lead = p.T("names.plan.lead")
	p.Crumbs = crumbs(p, webkit.Link{Text: p.T("names.new.crumb")})
	v := planPage{Page: p, Plan: area.PlanView(p, plan)}
	if status == http.StatusConflict {
		v.Plan.ChangedSince(marks)
	}
	v.Plan.Action, v.Plan.Agree, v.Plan.Cancel = "/names", p.T("names.plan.agree"), "/names"
	v.Plan.Hidden = []webkit.Pair{{Name: "zone", Value: zone}}
	return n.UI.Render(w, status, "names-plan", v)
}

// add starts what the plan was about, once.
func (n *names) add(w http.ResponseWriter, r *http.Request) error {
	zone := r.FormValue("zone")
	return n.once.Agree(n.UI, w, r, func(hash string) (appliance.Job, error) {
		return n.Box.Names.AddZone(r.Context(), appliance.ZoneChange{Zone: zone, PlanHash: hash})
	}, func() error {
		plan, err := n.planAdd(r, zone)
		if err != nil {
			return err
		}
		return n.showAdd(w, r, plan, http.StatusConflict, r.FormValue(area.FieldRows))
	})
}

func (n *names) confirm(w http.ResponseWriter, r *http.Request) error {
	return n.showRemove(w, r, "", func(*planPage) int { return http.StatusOK })
}

// showRemove renders the plan to give a zone up; with may add what is wrong and
// says the status.
func (n *names) showRemove(w http.ResponseWriter, r *http.Request, typed string, with func(*planPage) int) error {
	plan, err := n.Box.Names.PlanRemoveZone(r.Context(), appliance.ZoneChange{Zone: r.PathValue("name")})
	if err != nil {
		return err
	}
	zone := say.Subject(plan.Subject)
	p := n.UI.NewPage(r, "names.remove.title", "name", zone)
	p.Lead = p.T("names.remove.lead")
	p.Crumbs = crumbs(p, webkit.Link{Text: zone, Href: "/names/" + zone}, webkit.Link{Text: p.T("names.remove.crumb")})
	v := &planPage{Page: p, Plan: area.PlanView(p, plan)}
	status := with(v)
	v.Plan.Risk, v.Plan.Action, v.Plan.Agree, v.Plan.Cancel = true, "/names/"+zone+"/remove", p.T("names.remove.agree"), "/names/"+zone
	v.Plan.Fields = []webkit.Field{{
		Name: "typed", Label: p.T("names.remove.typed", "name", zone), Value: typed, Error: p.Error("typed"), Plain: true, Autocomplete: "off",
	}}
	return n.UI.Render(w, status, "names-plan", v)
}

func (n *names) remove(w http.ResponseWriter, r *http.Request) error {
	zone, typed := r.PathValue("name"), r.FormValue("typed")
	if h, err := hostname.Parse(strings.ToLower(typed)); err != nil || string(h) != zone {
		return n.showRemove(w, r, typed, func(v *planPage) int {
			v.Fail("typed", v.T("names.remove.typed.bad", "name", zone))
			return http.StatusUnprocessableEntity
		})
	}
	return n.once.Agree(n.UI, w, r, func(hash string) (appliance.Job, error) {
		return n.Box.Names.RemoveZone(r.Context(), appliance.ZoneChange{Zone: zone, PlanHash: hash})
	}, func() error {
		return n.showRemove(w, r, "", func(v *planPage) int {
			v.Plan.ChangedSince(r.FormValue(area.FieldRows))
			return http.StatusConflict
		})
	})
}
