// SPDX-License-Identifier: AGPL-3.0-or-later

package entry

import (
	"errors"
	"net/http"
	"strconv"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// namePage asks for the name that people find the co-op at.
type namePage struct {
	setupPage
	Choice  string // have, later or inside
	Have    webkit.Field
	Inside  webkit.Field
	Already []string // names that are on this box
}

func (d *pages) newName(r *http.Request, choice, have, inside string) (namePage, error) {
	p := namePage{setupPage: newSetup(d.UI.NewPage(r, "entry.name.title"), 3), Choice: choice}
	names, err := d.Box.Names.Zones(r.Context())
	if err != nil {
		return p, err
	}
	for _, n := range names {
		p.Already = append(p.Already, n.Zone)
	}
	p.Have = webkit.Field{Name: "have", Label: p.T("entry.name.have.label"), Hint: p.T("entry.name.have.hint"), Value: have, Autocomplete: "off", Plain: true}
	p.Inside = webkit.Field{Name: "inside", Label: p.T("entry.name.inside.label"), Hint: p.T("entry.name.inside.hint"), Value: inside, Autocomplete: "off", Plain: true}
	return p, nil
}

func (d *pages) name(w http.ResponseWriter, r *http.Request) error {
	p, err := d.newName(r, "have", "", "box.internal")
	if err != nil {
		return err
	}
	return d.UI.Render(w, http.StatusOK, "entry-name", p)
}

// planPage shows what serving the name would do.
type planPage struct {
	setupPage
	Plan *area.Plan
}

// namePlan shows the plan for the name that was given, or goes on.
func (d *pages) namePlan(w http.ResponseWriter, r *http.Request) error {
	choice := r.FormValue("choice")
	if choice != "have" && choice != "inside" {
		return d.UI.Redirect(w, r, "/setup/done")
	}
	plan, err := d.Box.Names.PlanAddZone(r.Context(), appliance.ZoneChange{Zone: r.FormValue(choice)})
	if err == nil {
		return d.showPlan(w, r, plan, r.FormValue(choice), http.StatusOK, false)
	}
	p, err2 := d.newName(r, choice, r.FormValue("have"), r.FormValue("inside"))
	if err2 != nil {
		return err2
	}
	if err := explained(p.Page, choice, err); err != nil {
		return err
	}
	p.Have.Error, p.Inside.Error = p.Error("have"), p.Error("inside")
	return d.UI.Render(w, http.StatusUnprocessableEntity, "entry-name", p)
}

func (d *pages) showPlan(w http.ResponseWriter, r *http.Request, plan appliance.Plan, zone string, status int, changed bool) error {
	p := planPage{setupPage: newSetup(d.UI.NewPage(r, "entry.plan.title", "name", say.Subject(plan.Subject)), questions)}
	view := area.PlanView(p.Page, plan)
	p.Plan = &view
	if changed {
		p.Plan.ChangedSince(r.FormValue(area.FieldRows))
	}
	p.Plan.Action, p.Plan.Agree, p.Plan.Cancel = "/setup/name/agree", p.T("entry.plan.agree"), "/setup/done"
	p.Plan.Hidden = []webkit.Pair{{Name: "zone", Value: zone}}
	p.Back = "/setup/name"
	return d.UI.Render(w, status, "entry-plan", p)
}

func (d *pages) nameAgreed(w http.ResponseWriter, r *http.Request) error {
	zone := r.FormValue("zone")
	job, err := d.once.Do(r.FormValue(area.FieldKey), func() (appliance.Job, error) {
		return d.Box.Names.AddZone(r.Context(), appliance.ZoneChange{Zone: zone, PlanHash: r.FormValue(area.FieldHash)})
	})
	if errors.Is(err, &problem.Problem{Code: "plan-changed"}) {
		plan, err := d.Box.Names.PlanAddZone(r.Context(), appliance.ZoneChange{Zone: zone})
		if err != nil {
			return err
		}
		return d.showPlan(w, r, plan, zone, http.StatusConflict, true)
	}
	if err != nil {
		return err
	}
	return d.UI.Redirect(w, r, "/setup/done?job="+strconv.FormatInt(int64(job), 10))
}

// donePage ends the set-up.
type donePage struct {
	setupPage
	Coop  string
	Names []string
	Job   string // title of the job that adds the name
	JobAt string
}

func (d *pages) done(w http.ResponseWriter, r *http.Request) error {
	p := donePage{setupPage: newSetup(d.UI.NewPage(r, "entry.done.title"), questions+1)}
	settings, err := d.Box.Box.Settings(r.Context())
	if err != nil {
		return err
	}
	p.Coop = settings.Coop
	names, err := d.Box.Names.Zones(r.Context())
	if err != nil {
		return err
	}
	for _, n := range names {
		p.Names = append(p.Names, n.Zone)
	}
	id, err := strconv.ParseInt(r.FormValue("job"), 10, 64)
	if err == nil {
		job, err := d.Box.Jobs.Job(r.Context(), appliance.JobID(id))
		if err == nil { // a number that somebody typed changes nothing
			p.Job, p.JobAt = say.Job(p.Locale, job), "/jobs/"+strconv.FormatInt(id, 10)
		}
	}
	return d.UI.Render(w, http.StatusOK, "entry-done", p)
}
