// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// pushLimit is how long the agent may take to receive a site from its own disk.
const pushLimit = 15 * time.Minute

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
	u, err := s.spool.get(session(r), r.URL.Query().Get("upload"))
	if err != nil {
		return err
	}
	plan, err := s.Box.Sites.PlanPush(r.Context(), appliance.PushSite{Host: r.PathValue("site"), Files: u.files, Bytes: u.bytes})
	if err != nil {
		return err
	}
	return s.showPlan(w, r, u, plan, "")
}

func (s *site) showPlan(w http.ResponseWriter, r *http.Request, u upload, plan appliance.Plan, marks string) error {
	host := say.Subject(plan.Subject)
	p := s.UI.NewPage(r, "sites.plan.title", "host", host)
	p.Lead = p.T("sites.plan.lead", "when", p.Clock(u.created.Add(keepFor)))
	p.Crumbs = crumbs(p, webkit.Link{Text: host, Href: sitePath(host)}, webkit.Link{Text: p.T("sites.new.crumb")})
	v := planPage{Page: p, Plan: area.PlanView(p, plan)}
	if marks != "" {
		v.Plan.ChangedSince(marks)
	}
	v.Plan.Action, v.Plan.Agree, v.Plan.Cancel = sitePath(host, "publish"), p.T("sites.plan.agree"), "/sites/new?address="+host
	v.Plan.Hidden = []webkit.Pair{{Name: "upload", Value: u.id}}
	v.Discard = webkit.Action{
		Text: p.T("sites.plan.discard"), Href: sitePath(host, "discard"), Kind: "quiet", Post: true,
		Hidden: []webkit.Pair{{Name: "upload", Value: u.id}},
	}
	if len(p.Crumbs) > 0 && !s.exists(r, host) {
		p.Crumbs[1].Href = ""
	}
	status := http.StatusOK
	if v.Plan.Changed {
		status = http.StatusConflict
	}
	if err := s.facts(r, &v, u, host); err != nil {
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
func (s *site) facts(r *http.Request, v *planPage, u upload, host string) error {
	row := func(key, text string) {
		v.Facts = append(v.Facts, webkit.Row{Name: v.T("sites.fact." + key), Texts: []string{text}})
	}
	row("address", host)
	row("files", size(v.Page, u.files, u.bytes))
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
	if u.top != "" {
		row("top", u.top)
	}
	if u.leftOut > 0 {
		v.LeftOut = v.T("sites.plan.leftout", "count", u.leftOut)
	}
	return s.missing(r, v, host)
}

// missing looks whether visitors would find the site. A name in a zone of this
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

// publish gives to the agent what the plan was about, once.
func (s *site) publish(w http.ResponseWriter, r *http.Request) error {
	host, id := r.PathValue("site"), r.FormValue("upload")
	var changed *appliance.Plan
	var sent upload
	job, err := s.once.Do(session(r)+"/"+id, func() (appliance.Job, error) {
		u, err := s.spool.get(session(r), id)
		if err != nil {
			return appliance.Job{}, err
		}
		plan, err := s.Box.Sites.PlanPush(r.Context(), appliance.PushSite{Host: host, Files: u.files, Bytes: u.bytes})
		if err != nil {
			return appliance.Job{}, err
		}
		if err := plan.Agreed(r.FormValue(area.FieldHash)); err != nil {
			changed, sent = &plan, u
			return appliance.Job{}, err
		}
		if err := answerWithin(http.NewResponseController(w), pushLimit); err != nil {
			return appliance.Job{}, err
		}
		return s.push(r, host, u)
	})
	if changed != nil {
		return s.showPlan(w, r, sent, *changed, r.FormValue(area.FieldRows)+" ")
	}
	if err != nil {
		return err
	}
	s.spool.drop(session(r), id)
	return s.UI.Redirect(w, r, fmt.Sprintf("/jobs/%d", job))
}

func (s *site) push(r *http.Request, host string, u upload) (job appliance.Job, err error) {
	stream, err := u.open()
	if err != nil {
		return appliance.Job{}, err
	}
	job, err = s.Box.Sites.Push(r.Context(), host, stream)
	return job, errors.Join(err, stream.Close())
}

// discard forgets what was sent.
func (s *site) discard(w http.ResponseWriter, r *http.Request) error {
	s.spool.drop(session(r), r.FormValue("upload"))
	l := s.UI.Locale(r)
	webkit.SetFlash(w, webkit.Flash{Text: l.T("sites.discarded")})
	return s.UI.Redirect(w, r, "/sites")
}
