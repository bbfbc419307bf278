// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"errors"
	"fmt"
	"net/http"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// planPage shows what would be published.
type planPage struct {
	*webkit.Page
	Facts   []webkit.Row
	LeftOut string
	Missing string // the address does not lead here yet
	Names   string // path of the page with the records to enter
	Plan    area.Plan
	Discard webkit.Action
}

func (s *site) plan(w http.ResponseWriter, r *http.Request) error {
	return s.showPlan(w, r, r.URL.Query().Get("upload"), "")
}

// showPlan shows it; marks are those of the plan that is not true any more.
func (s *site) showPlan(w http.ResponseWriter, r *http.Request, id, marks string) error {
	d, err := s.draft(r, id)
	if err != nil {
		return err
	}
	plan, err := s.Box.Sites.PlanPush(r.Context(), appliance.PushSite{Host: r.PathValue("site"), Draft: id})
	if err != nil {
		return err
	}
	host := say.Subject(plan.Subject)
	p := s.UI.NewPage(r, "sites.plan.title", "host", host)
	p.Lead = p.T("sites.plan.lead", "when", p.Clock(d.Expires))
	p.Crumbs = crumbs(p, webkit.Link{Text: host, Href: sitePath(host)}, webkit.Link{Text: p.T("sites.new.crumb")})
	v := planPage{Page: p, Plan: area.PlanView(p, plan)}
	if marks != "" {
		v.Plan.ChangedSince(marks)
	}
	v.Plan.Action, v.Plan.Agree, v.Plan.Cancel = sitePath(host, "publish"), p.T("sites.plan.agree"), "/sites/new?address="+host
	v.Plan.Hidden = []webkit.Pair{{Name: "upload", Value: id}}
	v.Discard = webkit.Action{
		Text: p.T("sites.plan.discard"), Href: sitePath(host, "discard"), Kind: "quiet", Post: true,
		Hidden: []webkit.Pair{{Name: "upload", Value: id}},
	}
	if len(p.Crumbs) > 0 && !s.exists(r, host) {
		p.Crumbs[1].Href = ""
	}
	status := http.StatusOK
	if v.Plan.Changed {
		status = http.StatusConflict
	}
	if err := s.facts(r, &v, d, host); err != nil {
		return err
	}
	return s.UI.Render(w, status, "sites-plan", v)
}

func (s *site) exists(r *http.Request, host string) bool {
	_, err := s.Box.Sites.Versions(r.Context(), host)
	return err == nil
}

// facts say what was sent, what it replaces, and whether the address leads
// here.
func (s *site) facts(r *http.Request, v *planPage, d appliance.Draft, host string) error {
	row := func(key, text string) {
		v.Facts = append(v.Facts, webkit.Row{Name: v.T("sites.fact." + key), Texts: []string{text}})
	}
	row("address", host)
	row("files", size(v.Page, d.Files, d.Bytes))
	replaces := v.T("sites.fact.nothing")
	versions, err := s.Box.Sites.Versions(r.Context(), host)
	if err != nil && !errors.Is(err, &problem.Problem{Code: "no-such-site"}) {
		return err
	}
	for _, old := range versions {
		if old.Published {
			replaces = v.T("sites.fact.version", "n", old.Version, "size", size(v.Page, old.Files, old.Bytes))
		}
	}
	row("replaces", replaces)
	if d.Top != "" {
		row("top", d.Top)
	}
	if d.LeftOut > 0 {
		v.LeftOut = v.T("sites.plan.leftout", "count", d.LeftOut)
	}
	return s.missing(r, v, host)
}

// missing checks whether visitors would find the site. A name in a zone of this
// box gets its record with the job.
func (s *site) missing(r *http.Request, v *planPage, host string) error {
	check, err := s.Box.Names.Check(r.Context(), host)
	if err != nil {
		return err
	}
	zones, err := s.Box.Names.Zones(r.Context())
	if err != nil {
		return err
	}
	if !check.OK && !served(zones, host) {
		v.Missing, v.Names = v.T("sites.plan.missing", "host", host), "/names/"+host
	}
	return nil
}

func served(zones []appliance.Zone, host string) bool {
	for _, z := range zones {
		if host == z.Zone || len(host) > len(z.Zone) && host[len(host)-len(z.Zone)-1:] == "."+z.Zone {
			return true
		}
	}
	return false
}

// publish starts what the plan was about, once.
func (s *site) publish(w http.ResponseWriter, r *http.Request) error {
	id := r.FormValue("upload")
	job, err := s.once.Do(session(r)+"/"+id, func() (appliance.Job, error) {
		if _, err := s.draft(r, id); err != nil {
			return appliance.Job{}, err
		}
		return s.Box.Sites.Push(r.Context(), appliance.PushSite{Host: r.PathValue("site"), Draft: id, Strip: true, PlanHash: r.FormValue(area.FieldHash)})
	})
	if errors.Is(err, &problem.Problem{Code: "plan-changed"}) {
		return s.showPlan(w, r, id, r.FormValue(area.FieldRows)+" ")
	}
	if err != nil {
		return err
	}
	return s.UI.Redirect(w, r, fmt.Sprintf("/jobs/%d", job))
}

// discard forgets what was sent.
func (s *site) discard(w http.ResponseWriter, r *http.Request) error {
	d, err := s.draft(r, r.FormValue("upload"))
	if err == nil {
		err = s.Box.Sites.DropDraft(r.Context(), d.ID)
	}
	if err != nil && !errors.Is(err, appliance.DraftGone()) {
		return err
	}
	l := s.UI.Locale(r)
	webkit.SetFlash(w, webkit.Flash{Text: l.T("sites.discarded")})
	return s.UI.Redirect(w, r, "/sites")
}
