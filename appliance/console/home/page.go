// SPDX-License-Identifier: AGPL-3.0-or-later

package home

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/hostname"
	"coopkit/internal/webkit"
)

// mostCards is how many findings the home page shows.
const mostCards = 3

// homePage is the first page.
type homePage struct {
	*webkit.Page
	Cards  []webkit.Finding
	More   string // "and 4 more"; empty for none
	Later  string // "3 things to look at when you have time"; empty for none
	Glance []cell
	Things []thing
	Lately []event
	Empty  webkit.Empty
	Help   string
	Usage  *area.Usage // nil: not known
}

// thing is an app or a site, with whether visitors can open it, and whether they
// could on the last days.
type thing struct {
	Icon, Tint, Title, At, Href string
	Week                        *webkit.Week
	Pill                        webkit.Pill
}

// event is one thing that happened.
type event struct {
	At             time.Time
	Text, Href, By string
}

func (d *pages) home(w http.ResponseWriter, r *http.Request) error {
	b, err := d.ask(r.Context(), area.UsageSpan(r))
	if err != nil {
		return err
	}
	p := homePage{Page: d.UI.NewPage(r, "home.title"), Help: "/help"}
	p.Heading, p.Lead = headline(p.Page, b), greeting(p.Page, b.report)
	p.Title = p.Heading
	now, later := byHurry(area.Groups(b.report.Findings))
	p.Cards = cards(p.Page, now[:min(mostCards, len(now))])
	if n := len(now) - mostCards; n > 0 {
		p.More = p.T("home.more", "count", n)
	}
	if len(later) > 0 {
		p.Later = p.T("home.later", "count", len(later))
	}
	p.Glance, p.Things = glance(p.Page, b), things(p.Page, b)
	for _, j := range b.jobs {
		at := j.Finished
		if at.IsZero() {
			at = j.Created
		}
		p.Lately = append(p.Lately, event{At: at, Text: say.Job(p.Locale, j), By: say.By(p.Locale, j.By), Href: "/jobs/" + strconv.FormatInt(int64(j.ID), 10)})
		if j.State == appliance.JobRunning {
			p.Refresh = 5
		}
	}
	if b.usage != nil {
		p.Usage = area.ShowUsage(p.Page, "/", *b.usage)
	}
	p.Empty = webkit.Empty{Icon: "basket", Title: p.T("home.empty.title"), Text: p.T("home.empty.text"), Actions: []webkit.Action{
		{Text: p.T("home.empty.app"), Href: "/catalogue", Kind: "go"}, {Text: p.T("home.empty.site"), Href: "/sites"},
	}}
	return d.UI.Render(w, http.StatusOK, "home-home", p)
}

// byHurry parts what needs somebody from what can be looked at when there is
// time.
func byHurry(all []area.Group) (now, later []area.Group) {
	for _, g := range all {
		if g.Severity() >= appliance.Warning {
			now = append(now, g)
		} else {
			later = append(later, g)
		}
	}
	return now, later
}

// cards are findings, each with the way to its own page. What to do about the
// first is the main action of the page.
func cards(p *webkit.Page, groups []area.Group) []webkit.Finding {
	var out []webkit.Finding
	for i, g := range groups {
		card := g.View(p)
		if i > 0 && len(card.Actions) > 0 && card.Actions[0].Kind == "go" {
			card.Actions[0].Kind = ""
		}
		out = append(out, card)
	}
	return out
}

func things(p *webkit.Page, b box) []thing {
	var out []thing
	for _, a := range b.apps {
		t := thing{Title: a.Title, Href: "/apps/" + url.PathEscape(string(a.Name)), Pill: area.AppPill(p, a.State, reachOf(b, a))}
		t.Icon, t.Tint = area.NeedIcon(b.needs[a.Recipe])
		t.Week = week(p, b.week, a.Created, append(subjects(a.Addresses), "app:"+string(a.Name)))
		if len(a.Addresses) > 0 {
			t.At = p.T("home.at", "program", a.Program, "host", a.Addresses[0])
		}
		out = append(out, t)
	}
	for _, s := range b.sites {
		t := thing{Icon: "globe", Tint: "i1", Title: s.Host.String(), Href: "/sites/" + s.Host.String(), At: p.T("home.site")}
		t.Pill = webkit.Pill{Icon: "minus", Text: p.T("home.site.off")}
		if s.Published {
			t.Pill = area.ReachPill(p, area.ReachOf(b.reach, s.Host.String()))
			t.Week = week(p, b.week, time.Time{}, subjects([]hostname.Name{s.Host}))
		}
		out = append(out, t)
	}
	return out
}

// reachOf is how far the main address of an app reaches.
func reachOf(b box, a appliance.App) appliance.Reach {
	if len(a.Addresses) == 0 {
		return appliance.ReachUnknown
	}
	return area.ReachOf(b.reach, a.Addresses[0].String())
}
