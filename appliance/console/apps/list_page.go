// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"net/http"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/webkit"
	"coopkit/recipes"
)

type listPage struct {
	*webkit.Page
	Tabs  []tab
	Apps  []listed
	Empty *webkit.Empty
}

// tab is one of the views of an area.
type tab struct {
	Text, Href string
	Here       bool
}

// listed is one app of the list.
type listed struct {
	Name, Program, Href, Open string
	Icon, Tint                string
	State                     webkit.Pill
}

func tabs(p *webkit.Page, here string, apps, recipes int) []tab {
	return []tab{
		{p.T("apps.tab.here", "n", apps), "/apps", here == "apps"},
		{p.T("apps.tab.catalogue", "n", recipes), "/catalogue", here == "catalogue"},
	}
}

func (a *pages) list(w http.ResponseWriter, r *http.Request) error {
	all, shelf, err := a.both(r)
	if err != nil {
		return err
	}
	reach, err := a.Box.Box.Reach(r.Context(), appliance.AskReach{})
	if err != nil {
		return err
	}
	p := listPage{Page: a.UI.NewPage(r, "apps.title")}
	p.Tabs = tabs(p.Page, "apps", len(all), len(shelf))
	p.Lead = lead(p.Page, all)
	for _, app := range all {
		l := listed{Name: app.Title, Href: "/apps/" + string(app.Name), State: area.AppPill(p.Page, app.State, area.ReachOf(reach, host(app)))}
		l.Icon, l.Tint = look(shelf, app)
		l.Program = p.T("apps.at", "program", app.Program, "host", host(app))
		if app.State == "running" {
			l.Open = app.URL
		}
		p.Apps = append(p.Apps, l)
		if app.State == "adding" || app.State == "changing" || app.State == "starting" {
			p.Refresh = 5
		}
	}
	if len(all) == 0 {
		p.Empty = &webkit.Empty{
			Icon: "basket", Title: p.T("apps.empty"), Text: p.T("apps.empty.text"),
			Actions: []webkit.Action{{Text: p.T("apps.empty.action"), Href: "/catalogue", Kind: "go"}},
		}
	}
	return a.UI.Render(w, http.StatusOK, "apps-list", p)
}

// both returns the apps that people see, and the catalogue.
func (a *pages) both(r *http.Request) ([]appliance.App, []*recipes.Recipe, error) {
	all, err := a.Box.Apps.List(r.Context())
	if err != nil {
		return nil, nil, err
	}
	shelf, err := a.Box.Recipes.List(r.Context())
	return shown(all), shelf, err
}

func look(shelf []*recipes.Recipe, app appliance.App) (icon, tint string) {
	if r := byName(shelf, app.Recipe); r != nil {
		return area.NeedIcon(r.Need)
	}
	return area.NeedIcon("other")
}

// host is the main address of an app, without its port.
func host(app appliance.App) string {
	if len(app.Addresses) == 0 {
		return ""
	}
	return app.Addresses[0].String()
}

// lead says how all the apps are, by the worst of them.
func lead(p *webkit.Page, all []appliance.App) string {
	count := map[string]int{}
	for _, app := range all {
		count[app.State]++
	}
	switch {
	case len(all) == 0:
		return p.T("apps.lead.none")
	case count["failing"] > 0:
		return p.T("apps.lead.failing", "count", count["failing"])
	case count["unknown"] > 0:
		return p.T("apps.lead.unknown")
	case count["adding"]+count["changing"]+count["starting"] > 0:
		return p.T("apps.lead.busy", "count", count["adding"]+count["changing"]+count["starting"])
	case count["stopped"] > 0:
		return p.T("apps.lead.stopped", "count", count["stopped"])
	default:
		return p.T("apps.lead.open", "count", len(all))
	}
}
