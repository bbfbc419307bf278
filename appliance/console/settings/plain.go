// SPDX-License-Identifier: AGPL-3.0-or-later

package settings

import (
	"net/http"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/webkit"
)

// plainPage is a page of text.
type plainPage struct {
	*webkit.Page
	Desk  appliance.DeskLink // for people who are signed in
	Apps  []appliance.App
	Sites []appliance.Site
	Zones []appliance.Zone
	Dir   string // where the agent keeps its files
}

// plain makes a page that strangers may read too; they see no navigation.
func (d *pages) plain(r *http.Request, page *webkit.Page) (plainPage, bool) {
	_, signed := webkit.UserOf(r.Context())
	if !signed {
		page.Wide, page.Nav = true, nil
	}
	return plainPage{Page: page}, signed
}

// help says what somebody can do who is stuck. Who is not signed in reads how
// to get in, and nothing of the box.
func (d *pages) help(w http.ResponseWriter, r *http.Request) error {
	p, signed := d.plain(r, d.UI.NewPage(r, "settings.help.title"))
	p.Lead = p.T("settings.help.lead")
	if signed {
		var err error
		if p.Desk, err = d.Box.Desk.Status(r.Context()); err != nil {
			return err
		}
	}
	return d.UI.Render(w, http.StatusOK, "settings-help", p)
}

func (d *pages) accessibility(w http.ResponseWriter, r *http.Request) error {
	p, _ := d.plain(r, d.UI.NewPage(r, "settings.a11y.title"))
	p.Lead = p.T("settings.a11y.lead")
	return d.UI.Render(w, http.StatusOK, "settings-accessibility", p)
}

// leave says how to take everything along.
func (d *pages) leave(w http.ResponseWriter, r *http.Request) error {
	p := plainPage{Page: d.UI.NewPage(r, "settings.go.title")}
	p.Lead = p.T("settings.go.lead")
	apps, err := d.Box.Apps.List(r.Context())
	if err != nil {
		return err
	}
	p.Apps = area.Own(apps)
	if p.Sites, err = d.Box.Sites.List(r.Context()); err != nil {
		return err
	}
	if p.Zones, err = d.Box.Names.Zones(r.Context()); err != nil {
		return err
	}
	status, err := d.Box.Box.Status(r.Context())
	if err != nil {
		return err
	}
	p.Dir = status.State
	return d.UI.Render(w, http.StatusOK, "settings-go", p)
}
