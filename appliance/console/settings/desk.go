// SPDX-License-Identifier: AGPL-3.0-or-later

package settings

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// deskPage is the link to the support desk, or the form to join one.
type deskPage struct {
	*webkit.Page
	Link    appliance.DeskLink
	Pill    webkit.Pill
	Trouble *webkit.Finding // why it is silent, refused or ended
	Fields  []webkit.Field
	Said    string // the desk's or the agent's own words about it
}

// Joined reports whether there is a link, whatever its state.
func (p deskPage) Joined() bool { return p.Link.State != appliance.DeskNone }

// Pending reports whether a person has to compare the words.
func (p deskPage) Pending() bool { return p.Link.State == appliance.DeskPending }

func (d *pages) desk(w http.ResponseWriter, r *http.Request) error {
	return d.showDesk(w, http.StatusOK, d.UI.NewPage(r, "settings.desk.title"), r)
}

func (d *pages) showDesk(w http.ResponseWriter, status int, page *webkit.Page, r *http.Request) error {
	link, err := d.Box.Desk.Status(r.Context())
	if err != nil {
		return err
	}
	p := deskPage{Page: page, Link: link}
	p.Crumbs = []webkit.Link{{Text: p.T("settings.title"), Href: "/settings"}, {Text: p.T("settings.desk.title")}}
	p.Heading = deskTitle(p.Page, link)
	p.Title = p.Heading
	p.Lead = deskLead(p.Page, link)
	p.Pill = deskPill(p.Page, link.State)
	if p.Pending() {
		p.Refresh = 5
	}
	if link.State == appliance.DeskNone {
		p.Fields = []webkit.Field{{
			Name: "code", Label: p.T("settings.desk.code"), Hint: p.T("settings.desk.code.hint"), Value: r.PostFormValue("code"),
			Error: p.Error("code"), Autocomplete: "off", Plain: true,
		}}
	}
	if link.Problem != nil {
		what, why, next := webkit.Explain(p.Locale, link.Problem)
		card := p.FindingCard("warning", "desk", "")
		card.Title = area.Sentence(what)
		card.Say(p.Page, "", area.Sentence(why), next)
		p.Trouble, p.Said = &card, link.Problem.Why
	}
	return d.UI.Render(w, status, "settings-desk", p)
}

// compared is how often a page that shows the words checks whether a person at
// the desk has compared them.
const compared = time.Second

// deskEvents loads the page again when the words have been compared.
func (d *pages) deskEvents(w http.ResponseWriter, r *http.Request) error {
	s, err := webkit.NewStream(w)
	if err != nil {
		return err
	}
	tick := time.NewTicker(compared)
	defer tick.Stop()
	for {
		link, err := d.Box.Desk.Status(r.Context())
		switch {
		case err != nil:
			return nil //nolint:nilerr // the stream has begun; the browser asks again
		case link.State != appliance.DeskPending:
			return s.Send("end", "", "")
		case s.Ping() != nil:
			return nil
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return nil
		}
	}
}

func deskTitle(p *webkit.Page, l appliance.DeskLink) string {
	switch l.State {
	case appliance.DeskPending:
		return p.T("settings.desk.pending", "desk", l.Name)
	case appliance.DeskLinked:
		return p.T("settings.desk.linked", "desk", l.Name)
	case appliance.DeskSilent:
		return p.T("settings.desk.silent", "desk", l.Name)
	case appliance.DeskRefused:
		return p.T("settings.desk.refused", "desk", l.Name)
	case appliance.DeskEnded:
		return p.T("settings.desk.ended", "desk", l.Name)
	default:
		return p.T("settings.desk.none")
	}
}

func deskLead(p *webkit.Page, l appliance.DeskLink) string {
	switch l.State {
	case appliance.DeskPending:
		return p.T("settings.desk.pending.lead")
	case appliance.DeskLinked:
		return p.T("settings.desk.linked.lead", "ago", p.Locale.Ago(l.LastSent, p.Now))
	case appliance.DeskSilent, appliance.DeskRefused:
		return p.T("settings.desk.kept", "count", l.Waiting)
	case appliance.DeskEnded:
		return p.T("settings.desk.ended.lead")
	default:
		return p.T("settings.desk.none.lead")
	}
}

func deskPill(p *webkit.Page, state appliance.DeskState) webkit.Pill {
	switch state {
	case appliance.DeskPending:
		return webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("settings.desk.pill.pending")}
	case appliance.DeskLinked:
		return webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("settings.desk.pill.linked")}
	case appliance.DeskSilent:
		return webkit.Pill{Icon: "quiet", Text: p.T("settings.desk.pill.silent")}
	case appliance.DeskRefused:
		return webkit.Pill{Kind: "warn", Icon: "tri", Text: p.T("settings.desk.pill.refused")}
	case appliance.DeskEnded:
		return webkit.Pill{Icon: "x", Text: p.T("settings.desk.pill.ended")}
	default:
		return webkit.Pill{Icon: "minus", Text: p.T("settings.desk.pill.none")}
	}
}

// deskPlanPage shows which desk it is and what would be sent.
type deskPlanPage struct {
	*webkit.Page
	Plan *area.Plan
}

func (d *pages) deskPlan(w http.ResponseWriter, r *http.Request) error {
	plan, err := d.Box.Desk.PlanJoin(r.Context(), appliance.JoinDesk{Code: r.FormValue("code")})
	if err != nil {
		return d.notJoined(w, r, err)
	}
	return d.showPlan(w, r, plan, http.StatusOK, false)
}

func (d *pages) showPlan(w http.ResponseWriter, r *http.Request, plan appliance.Plan, status int, changed bool) error {
	p := deskPlanPage{Page: d.UI.NewPage(r, "settings.desk.plan", "desk", strings.TrimPrefix(say.Subject(plan.Subject), "https://"))}
	p.Crumbs = []webkit.Link{{Text: p.T("settings.title"), Href: "/settings"}, {Text: p.T("settings.desk.title"), Href: "/settings/desk"}, {Text: p.T("settings.desk.plan.crumb")}}
	p.Lead = p.T("settings.desk.plan.lead")
	view := area.PlanView(p.Page, plan)
	if changed {
		view.ChangedSince(r.FormValue(area.FieldRows))
	}
	view.Action, view.Agree, view.Cancel = "/settings/desk/join", p.T("settings.desk.agree"), "/settings/desk"
	view.Hidden = []webkit.Pair{{Name: "code", Value: r.FormValue("code")}}
	p.Plan = &view
	return d.UI.Render(w, status, "settings-plan", p)
}

// deskJoin uses the invitation. Sending the form twice joins once.
func (d *pages) deskJoin(w http.ResponseWriter, r *http.Request) error {
	_, err := d.Box.Desk.Join(r.Context(), appliance.JoinDesk{Code: r.FormValue("code"), PlanHash: r.FormValue(area.FieldHash)})
	switch {
	case err == nil:
		webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("settings.desk.joined")})
		return d.UI.Redirect(w, r, "/settings/desk")
	case errors.Is(err, &problem.Problem{Code: "plan-changed"}):
		plan, err := d.Box.Desk.PlanJoin(r.Context(), appliance.JoinDesk{Code: r.FormValue("code")})
		if err != nil {
			return err
		}
		return d.showPlan(w, r, plan, http.StatusConflict, true)
	default:
		return d.notJoined(w, r, err)
	}
}

// notJoined says at the form why a code was not taken. Who has joined already
// is led to the link.
func (d *pages) notJoined(w http.ResponseWriter, r *http.Request, err error) error {
	prob, ok := errors.AsType[*problem.Problem](err)
	if !ok || prob.Kind == problem.Failed || prob.Kind == "" {
		return err
	}
	link, deskErr := d.Box.Desk.Status(r.Context())
	if deskErr != nil {
		return deskErr
	}
	if link.State != appliance.DeskNone {
		return d.UI.Redirect(w, r, "/settings/desk")
	}
	p := d.UI.NewPage(r, "settings.desk.title")
	what, why, next := webkit.Explain(p.Locale, prob)
	p.Fail("code", strings.TrimSpace(area.Sentence(what)+" "+area.Sentence(why)+" "+area.Sentence(next.First())))
	return d.showDesk(w, http.StatusUnprocessableEntity, p, r)
}

// sentPage is what the desk gets, byte for byte but for line breaks.
type sentPage struct {
	*webkit.Page
	Report string
	Sent   bool // it was sent; else it is the next one
	Link   appliance.DeskLink
}

func (d *pages) deskSent(w http.ResponseWriter, r *http.Request) error {
	link, err := d.Box.Desk.Status(r.Context())
	if err != nil {
		return err
	}
	if link.State == appliance.DeskNone {
		return d.UI.Redirect(w, r, "/settings/desk")
	}
	report, err := d.Box.Desk.Preview(r.Context())
	if err != nil {
		return err
	}
	p := sentPage{Page: d.UI.NewPage(r, "settings.sent.title", "desk", link.Name), Report: report, Sent: !link.LastSent.IsZero(), Link: link}
	p.Crumbs = []webkit.Link{{Text: p.T("settings.title"), Href: "/settings"}, {Text: p.T("settings.desk.title"), Href: "/settings/desk"}, {Text: p.T("settings.sent.crumb")}}
	p.Lead = p.T("settings.sent.next")
	if p.Sent {
		p.Lead = p.T("settings.sent.last", "ago", p.Locale.Ago(link.LastSent, p.Now))
	}
	return d.UI.Render(w, http.StatusOK, "settings-sent", p)
}

// leavePage asks before the link is ended.
type leavePage struct {
	*webkit.Page
	Link appliance.DeskLink
}

func (d *pages) deskLeave(w http.ResponseWriter, r *http.Request) error {
	link, err := d.Box.Desk.Status(r.Context())
	if err != nil {
		return err
	}
	if link.State == appliance.DeskNone {
		return d.UI.Redirect(w, r, "/settings/desk")
	}
	p := leavePage{Page: d.UI.NewPage(r, "settings.leave.title", "desk", link.Name), Link: link}
	p.Crumbs = []webkit.Link{{Text: p.T("settings.title"), Href: "/settings"}, {Text: p.T("settings.desk.title"), Href: "/settings/desk"}, {Text: p.T("settings.leave.crumb")}}
	p.Lead = p.T("settings.leave.lead")
	return d.UI.Render(w, http.StatusOK, "settings-leave", p)
}

func (d *pages) deskLeft(w http.ResponseWriter, r *http.Request) error {
	if err := d.Box.Desk.Leave(r.Context()); err != nil && !errors.Is(err, &problem.Problem{Code: "desk-not-joined"}) {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("settings.left")})
	return d.UI.Redirect(w, r, "/settings/desk")
}
