// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
	"coopkit/recipes"
)

// lastLines of an app's messages are on its own page.
const lastLines = 10

type showPage struct {
	*webkit.Page
	App          appliance.App
	Name         string // everyday
	At           string
	Icon, Tint   string
	Tabs         []tab
	State        webkit.Pill
	Findings     []webkit.Finding
	Certificates []certificate
	Release      string
	Messages     []messageLine
	Unread       string // why the messages cannot be read
	NoAccounts   bool
	Changes      []change
	Offers       string
	Usage        *area.Usage  // nil: not known
	Called       webkit.Field // its everyday name, to change
}

// certificate is what is known of one address's.
type certificate struct {
	Host, Text string
	Warn       bool
}

// change is a button with its consequence.
type change struct{ Text, Button, Href, Kind string }

// install finds the app that a path is about, with its recipe if the catalogue
// still has it.
func (a *pages) install(r *http.Request) (appliance.App, *recipes.Recipe, error) {
	app, err := a.Box.Apps.Show(r.Context(), appliance.InstallName(r.PathValue("install")))
	if err != nil {
		return app, nil, err
	}
	all, err := a.Box.Recipes.List(r.Context())
	return app, byName(all, app.Recipe), err
}

// appPage begins the pages of one app.
func (a *pages) appPage(r *http.Request, app appliance.App, here string) *webkit.Page {
	p := a.UI.NewPage(r, "apps.title")
	name := app.Title
	p.Crumbs = []webkit.Link{{Text: p.T("apps.title"), Href: "/apps"}, {Text: name}}
	p.Title = name
	if here != "" {
		p.Crumbs[1].Href = "/apps/" + string(app.Name)
		p.Crumbs = append(p.Crumbs, webkit.Link{Text: here})
	}
	return p
}

func (a *pages) show(w http.ResponseWriter, r *http.Request) error {
	app, rec, err := a.install(r)
	if err != nil {
		return err
	}
	return a.renderShow(w, r, http.StatusOK, a.appPage(r, app, ""), app, rec, app.Title)
}

// renderShow shows an app; called is its everyday name as it was typed.
func (a *pages) renderShow(w http.ResponseWriter, r *http.Request, status int, p *webkit.Page, app appliance.App, rec *recipes.Recipe, called string) (err error) {
	reach, err := a.Box.Box.Reach(r.Context(), appliance.AskReach{})
	if err != nil {
		return err
	}
	v := showPage{Page: p, App: app, Name: app.Title, Called: calledField(p, called), State: area.AppPill(p, app.State, area.ReachOf(reach, host(app)))}
	v.Heading = v.Name
	p.Title = p.T("apps.title.state", "name", v.Name, "state", v.State.Text)
	v.At = p.T("apps.at.program", "program", app.Program)
	v.Tabs = appTabs(p, app, "overview")
	v.Icon, v.Tint = area.NeedIcon("other")
	if rec != nil {
		v.Icon, v.Tint = area.NeedIcon(rec.Need)
		v.NoAccounts, v.Offers = rec.FirstAccount.None, offers(p, rec.Offers)
	}
	if app.State == "adding" || app.State == "changing" || app.State == "starting" {
		p.Refresh = 5
	}
	if app.Release > 0 {
		v.Release = p.T("apps.release.of", "n", app.Release, "program", app.Program, "version", app.Version)
	}
	if v.Findings, err = a.findings(r.Context(), p, app); err != nil {
		return err
	}
	if v.Certificates, err = a.certificates(r.Context(), p, app); err != nil {
		return err
	}
	if lines, err := a.tail(r.Context(), messageQuery{}.request(app.Name, lastLines, a.Now())); err != nil {
		v.Unread = p.T("apps.messages.unread")
	} else {
		v.Messages = newMessageView(p, lines).Lines
	}
	v.Changes = changes(p, app)
	if u, err := a.Box.Usage.Usage(r.Context(), appliance.AskUsage{App: app.Name, Span: area.UsageSpan(r)}); err == nil {
		v.Usage = area.ShowUsage(p, r.URL.Path, u)
	}
	return a.UI.Render(w, status, "apps-show", v)
}

func appTabs(p *webkit.Page, app appliance.App, here string) []tab {
	to := "/apps/" + string(app.Name)
	return []tab{
		{p.T("apps.tab.overview"), to, here == "overview"},
		{p.T("apps.tab.messages"), to + "/messages", here == "messages"},
	}
}

// findings are what the checks last found about an app.
func (a *pages) findings(ctx context.Context, p *webkit.Page, app appliance.App) ([]webkit.Finding, error) {
	report, err := a.Box.Health.Shown(ctx)
	if err != nil {
		return nil, err
	}
	var out []webkit.Finding
	for _, f := range report.Findings {
		subject := "app:" + string(app.Name)
		if f.Subject == subject || strings.HasPrefix(f.Subject, subject+"/") {
			card := area.FindingView(p, f)
			card.Actions = slices.DeleteFunc(card.Actions, func(a webkit.Action) bool { return a.Href == "/apps/"+string(app.Name) }) // it is here
			out = append(out, card)
		}
	}
	return out, nil
}

func (a *pages) certificates(ctx context.Context, p *webkit.Page, app appliance.App) ([]certificate, error) {
	all, err := a.Box.Box.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	var out []certificate
	for _, h := range app.Addresses {
		c := certificate{Host: h.String(), Text: p.T("apps.certificate.none"), Warn: true}
		if i := slices.IndexFunc(all, func(c appliance.Certificate) bool { return c.Host == h.String() }); i >= 0 && !all[i].NotAfter.IsZero() {
			c.Text, c.Warn = p.T("apps.certificate.until", "date", p.Date(all[i].NotAfter)), all[i].NotAfter.Before(p.Now)
		}
		out = append(out, c)
	}
	return out, nil
}

// changes are the buttons that fit the state, each with what it means for
// people.
func changes(p *webkit.Page, app appliance.App) []change {
	to := "/apps/" + string(app.Name)
	if app.State == "adding" || app.State == "changing" {
		return nil
	}
	if app.Wanted == appliance.WantStopped {
		return []change{{p.T("apps.start.text"), p.T("apps.start"), to + "/start", "go"}}
	}
	return []change{
		{p.T("apps.restart.text"), p.T("apps.restart"), to + "/restart", ""},
		{p.T("apps.stop.text"), p.T("apps.stop"), to + "/stop", "risk"},
	}
}

// change starts, stops or restarts an app, and leads to the job.
func (a *pages) change(do func(context.Context, appliance.InstallName) (appliance.Job, error)) webkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := a.once.Do(r.PostFormValue(area.FieldKey), func() (appliance.Job, error) {
			return do(r.Context(), appliance.InstallName(r.PathValue("install")))
		})
		if errors.Is(err, &problem.Problem{Code: "app-stopped-already"}) { // in another tab, or by somebody else
			webkit.SetFlash(w, webkit.Flash{Text: a.UI.Locale(r).T("apps.stop.already")})
			return a.UI.Redirect(w, r, "/apps/"+url.PathEscape(r.PathValue("install")))
		}
		if err != nil {
			return err
		}
		return a.UI.Redirect(w, r, jobPath(id))
	}
}

// Once is the key that makes pressing a button twice one change.
func (v showPage) Once() string { return rand.Text() }

// Own asks for the password of whoever is signed in.
func (v showPage) Own() webkit.Field {
	return webkit.Field{Name: "own-password", Label: v.T("apps.signin.own"), Kind: "password", Autocomplete: "current-password"}
}
