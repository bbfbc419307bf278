// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"coopkit/desk"
	"coopkit/internal/logkey"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
)

// frame completes every page: whose desk this is and what there is on it.
func (d *Web) frame(r *http.Request, p *webkit.Page) {
	p.Brand = webkit.Brand{Name: p.T("desk.brand"), Sub: d.Name, Href: "/"}
	p.Version, p.Note, p.Help = d.Version, p.T("desk.utc"), "/help"
	p.Foot = []webkit.Link{{Text: p.T("desk.nokeys")}, {Text: p.T("desk.accessibility.title"), Href: "/accessibility"}}
	p.In(time.UTC)
	if p.User == nil {
		p.Wide = true
		return
	}
	p.Nav = []webkit.NavItem{
		{Text: p.T("desk.fleet.title"), Href: "/fleet"},
		{Text: p.T("desk.invitations.title"), Href: "/invitations"},
		{Text: p.T("desk.coops.title"), Href: "/coops"},
		{Text: p.T("desk.people.title"), Href: "/people"},
	}
	for i, item := range p.Nav {
		p.Nav[i].Here = strings.HasPrefix(r.URL.Path, item.Href) || item.Href == "/fleet" && strings.HasPrefix(r.URL.Path, "/boxes/")
	}
}

// accountFacts tell somebody on their account page what they are here.
func (d *Web) accountFacts(ctx context.Context, p *webkit.Page, who signin.Person) []webkit.Row {
	rows := []webkit.Row{{Name: p.T("desk.person.role"), Texts: []string{role(p, desk.Role(who.Role))}}}
	if who.Coop != "" {
		rows = append(rows, webkit.Row{Name: p.T("desk.coop"), Texts: []string{d.coopName(ctx, desk.CoopID(who.Coop))}})
	}
	return rows
}

// coopName is for people; the caller may see the co-op. Where it cannot be read,
// its short name is shown.
func (d *Web) coopName(ctx context.Context, id desk.CoopID) string {
	c, err := d.Store.Coop(ctx, id)
	if err != nil {
		d.Log.WarnContext(ctx, "co-op not read", slog.Any(logkey.Err, err))
	}
	return cmp.Or(c.Name, string(id))
}

func role(p *webkit.Page, r desk.Role) string { return p.T("desk.role." + string(r)) }

type plainPage struct{ *webkit.Page }

func (d *Web) accessibility(w http.ResponseWriter, r *http.Request) error {
	page := plainPage{d.ui.NewPage(r, "desk.accessibility.title")}
	page.Wide, page.Lead = true, page.T("desk.accessibility.lead")
	return d.ui.Render(w, http.StatusOK, "desk-accessibility", page)
}

// help says what to do for who is stuck; strangers may read it before they sign
// in.
func (d *Web) help(w http.ResponseWriter, r *http.Request) error {
	page := plainPage{d.ui.NewPage(r, "desk.help")}
	page.Lead = page.T("desk.help.lead")
	return d.ui.Render(w, http.StatusOK, "desk-help", page)
}

// join is what somebody sees who opens an invitation in a browser. The part
// behind # has not been sent, so the page cannot and does not show it.
func (d *Web) join(w http.ResponseWriter, r *http.Request) error {
	page := plainPage{d.ui.NewPage(r, "desk.join.title")}
	page.Wide, page.Lead = true, page.T("desk.join.lead", "desk", d.Name)
	return d.ui.Render(w, http.StatusOK, "desk-join", page)
}

// mistake adds a problem that the form can put right to the page, in the
// reader's language; every other error is returned.
func mistake(p *webkit.Page, err error, fields map[string]string) error {
	found, ok := problemOf(err)
	field := ""
	if ok {
		field = fields[found.Code]
	}
	if field == "" {
		return err
	}
	what, why, _ := webkit.Explain(p.Locale, found)
	if why != "" {
		what = p.T("desk.mistake", "what", what, "why", why)
	}
	p.Fail(field, what)
	return nil
}
