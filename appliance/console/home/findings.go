// SPDX-License-Identifier: AGPL-3.0-or-later

package home

import (
	"net/http"
	"slices"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/webkit"
)

// findingsPage is all that the checks found, the worst first.
type findingsPage struct {
	*webkit.Page
	Cards []webkit.Finding
	Later []webkit.Finding // what can be looked at when there is time
	Empty webkit.Empty
}

func (d *pages) findings(w http.ResponseWriter, r *http.Request) error {
	report, err := d.report(r.Context())
	if err != nil {
		return err
	}
	p := findingsPage{Page: d.UI.NewPage(r, "findings.title")}
	p.Crumbs = []webkit.Link{{Text: p.T("home.title"), Href: "/"}, {Text: p.T("findings.title")}}
	p.Heading = needs(p.Page, report)
	p.Title = p.Heading
	p.Lead = p.T("findings.first")
	if !report.At.IsZero() {
		p.Lead = p.T("findings.lead", "count", report.Checks, "ago", p.Locale.Ago(report.At, p.Now))
	}
	now, later := byHurry(area.Groups(report.Findings))
	p.Cards, p.Later = cards(p.Page, now), cards(p.Page, later)
	p.Empty = webkit.Empty{Icon: "okc", Title: p.T("findings.fine"), Text: p.T("findings.fine.text")}
	return d.UI.Render(w, http.StatusOK, "home-findings", p)
}

// look looks at everything now. What was found is shown for a minute.
func (d *pages) look(w http.ResponseWriter, r *http.Request) error {
	report, err := d.Box.Health.Now(r.Context())
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.last = report
	d.mu.Unlock()
	webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("findings.looked", "count", report.Checks)})
	return d.UI.Redirect(w, r, "/findings")
}

// findingPage is one finding, with what the agent itself says of it.
type findingPage struct {
	*webkit.Page
	Card  webkit.Finding
	Found appliance.Finding
	Empty webkit.Empty
}

// finding shows one finding; a link in a mail may lead to one that is solved.
func (d *pages) finding(w http.ResponseWriter, r *http.Request) error {
	report, err := d.report(r.Context())
	if err != nil {
		return err
	}
	code, subject := r.PathValue("code"), r.PathValue("subject")
	i := slices.IndexFunc(report.Findings, func(f appliance.Finding) bool { return f.Code == code && f.Subject == subject })
	if i < 0 {
		p := findingPage{Page: d.UI.NewPage(r, "findings.solved")}
		p.Crumbs = []webkit.Link{{Text: p.T("findings.title"), Href: "/findings"}, {Text: code}}
		p.Empty = webkit.Empty{
			Icon: "okc", Title: p.T("findings.solved.title"), Text: p.T("findings.solved.text"),
			Actions: []webkit.Action{{Text: p.T("findings.all"), Href: "/findings"}},
		}
		return d.UI.Render(w, http.StatusNotFound, "home-solved", p)
	}
	p := findingPage{Page: d.UI.NewPage(r, "findings.one"), Found: report.Findings[i]}
	p.Card = area.FindingView(p.Page, p.Found)
	p.Title = p.Card.Title
	p.Crumbs = []webkit.Link{{Text: p.T("findings.title"), Href: "/findings"}, {Text: code}}
	p.Lead = p.T("findings.lead", "count", report.Checks, "ago", p.Locale.Ago(report.At, p.Now))
	return d.UI.Render(w, http.StatusOK, "home-finding", p)
}
