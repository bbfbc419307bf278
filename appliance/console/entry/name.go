// SPDX-License-Identifier: AGPL-3.0-or-later

package entry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// lookLimit is how long a page waits for what is known of a name.
const lookLimit = 4 * time.Second

// namePage asks for the name that people find the co-op at.
type namePage struct {
	setupPage
	Choice  string // already, have, later or inside
	Have    webkit.Field
	Inside  webkit.Field
	Already []string // names that are on this box
}

func (d *pages) newName(r *http.Request, choice, have, inside string) (namePage, error) {
	p := namePage{setupPage: newSetup(d.UI.NewPage(r, "entry.name.title"), 3), Choice: choice}
	var err error
	if p.Already, err = d.already(r.Context()); err != nil {
		return p, err
	}
	if choice == "" {
		p.Choice = "have"
		if len(p.Already) > 0 {
			p.Choice = "already"
		}
	}
	p.Have = webkit.Field{
		Name: "have", Label: p.T("entry.name.have.label"), Hint: p.T("entry.name.have.hint"), Value: have, Autocomplete: "off", Plain: true,
		Look: "/setup/name/look?name=",
	}
	p.Inside = webkit.Field{Name: "inside", Label: p.T("entry.name.inside.label"), Hint: p.T("entry.name.inside.hint"), Value: inside, Autocomplete: "off", Plain: true}
	return p, nil
}

// already are the names that are on this box, as people write them.
func (d *pages) already(ctx context.Context) ([]string, error) {
	zones, err := d.Box.Names.Zones(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(zones))
	for i, z := range zones {
		names[i] = hostname.Name(z.Zone).Display()
	}
	return names, nil
}

func (d *pages) name(w http.ResponseWriter, r *http.Request) error {
	p, err := d.newName(r, "", "", "box.internal")
	if err != nil {
		return err
	}
	return d.UI.Render(w, http.StatusOK, "entry-name", p)
}

// nameLook says in a sentence what is known of a name, while it is typed.
func (d *pages) nameLook(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := io.WriteString(w, d.known(r, d.UI.NewPage(r, "entry.name.title"), r.URL.Query().Get("name")))
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// known says what is known of a name: whether it is here, leads here, or is in
// use elsewhere. It is empty for what is no whole name.
func (d *pages) known(r *http.Request, p *webkit.Page, typed string) string {
	name, err := hostname.Parse(typed)
	if err != nil || !strings.Contains(string(name), ".") {
		return ""
	}
	shown := name.Display()
	if names, err := d.already(r.Context()); err == nil && slices.Contains(names, shown) {
		return p.T("entry.look.already", "name", shown)
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookLimit)
	defer cancel()
	switch found, err := d.Box.Names.Check(ctx, string(name)); {
	case err != nil || found.Unanswered:
		return p.T("entry.look.unanswered", "name", shown)
	case found.OK:
		return p.T("entry.look.here", "name", shown)
	case len(found.Found) > 0:
		return p.T("entry.look.elsewhere", "name", shown, "addresses", p.List(found.Found))
	default:
		return p.T("entry.look.free", "name", shown)
	}
}

// planPage shows what serving the name would do.
type planPage struct {
	setupPage
	Plan  *area.Plan
	Known string // of the name
}

// namePlan shows the plan for the name that was given, or goes on.
func (d *pages) namePlan(w http.ResponseWriter, r *http.Request) error {
	choice := r.FormValue("choice")
	if choice != "have" && choice != "inside" {
		return d.toBegin(w, r, "")
	}
	if names, err := d.already(r.Context()); err != nil {
		return err
	} else if name, err := hostname.Parse(r.FormValue(choice)); err == nil && slices.Contains(names, name.Display()) {
		return d.toBegin(w, r, "")
	}
	plan, err := d.Box.Names.PlanAddZone(r.Context(), appliance.ZoneChange{Zone: r.FormValue(choice)})
	if err == nil {
		return d.showPlan(w, r, plan, r.FormValue(choice), http.StatusOK, false)
	}
	p, err2 := d.newName(r, choice, r.FormValue("have"), r.FormValue("inside"))
	if err2 != nil {
		return err2
	}
	if strings.TrimSpace(r.FormValue(choice)) == "" {
		p.Fail(choice, p.T("entry.name.missing"))
	} else if err := explained(p.Page, choice, err); err != nil {
		return err
	}
	p.Have.Error, p.Inside.Error = p.Error("have"), p.Error("inside")
	return d.UI.Render(w, http.StatusUnprocessableEntity, "entry-name", p)
}

func (d *pages) showPlan(w http.ResponseWriter, r *http.Request, plan appliance.Plan, zone string, status int, changed bool) error {
	p := planPage{setupPage: newSetup(d.UI.NewPage(r, "entry.plan.title", "name", hostname.Name(say.Subject(plan.Subject)).Display()), 3)}
	p.Known = d.known(r, p.Page, zone)
	view := area.PlanView(p.Page, plan)
	p.Plan = &view
	if changed {
		p.Plan.ChangedSince(r.FormValue(area.FieldRows))
	}
	p.Plan.Action, p.Plan.Agree, p.Plan.Cancel = "/setup/name/agree", p.T("entry.plan.agree"), "/setup/name"
	p.Plan.Hidden = []webkit.Pair{{Name: "zone", Value: zone}}
	p.Back = "/setup/name"
	return d.UI.Render(w, status, "entry-plan", p)
}

func (d *pages) nameAgreed(w http.ResponseWriter, r *http.Request) error {
	ctx, change := r.Context(), appliance.ZoneChange{Zone: r.FormValue("zone"), PlanHash: area.AgreedHash(r)}
	job, err := d.once.Do(r.FormValue(area.FieldKey), func() (appliance.Job, error) { return d.Box.Names.AddZone(ctx, change) })
	if errors.Is(err, &problem.Problem{Code: "plan-changed"}) {
		plan, err := d.Box.Names.PlanAddZone(ctx, appliance.ZoneChange{Zone: change.Zone})
		if err != nil {
			return err
		}
		return d.showPlan(w, r, plan, change.Zone, http.StatusConflict, true)
	}
	if err != nil {
		return err
	}
	return d.toBegin(w, r, "?job="+strconv.FormatInt(int64(job), 10))
}

// toBegin goes on to the last question.
func (d *pages) toBegin(w http.ResponseWriter, r *http.Request, query string) error {
	return d.UI.Redirect(w, r, "/setup/begin"+query)
}
