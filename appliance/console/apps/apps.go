// SPDX-License-Identifier: AGPL-3.0-or-later

// Package apps is the area of the console about apps: those on this box, the
// catalogue, adding one, and each app's page with its messages, first sign-in
// and removal. It asks the agent through control.Agent only. Its tests send
// every form, with each mistake, to pages over a whole agent.
package apps

import (
	"embed"
	"io/fs"
	"net/http"

	"coopkit/appliance/console/area"
	"coopkit/appliance/control"
)

//go:embed templates/*.html messages/*.json
var files embed.FS

// Files returns the templates and messages of this area.
func Files() fs.FS { return files }

// Agent is what this area asks of the box.
type Agent struct {
	Apps    control.Apps
	Recipes control.Recipes
	Box     control.Box
	Health  control.Health
	Names   control.Names
	Usage   control.Usage
	// Confirm makes sure, by their password, that whoever is signed in asks.
	Confirm func(r *http.Request, password string) error
}

// Routes adds the pages of this area.
func Routes(d area.Deps, box Agent) {
	a := &pages{Deps: d, Box: box, once: area.NewOnce(d.Now)}
	rt := d.UI.Router()
	rt.Signed("GET /apps", a.list)
	rt.Signed("GET /catalogue", a.catalogue)
	rt.Signed("GET /catalogue/{recipe}", a.recipe)
	rt.Signed("GET /catalogue/{recipe}/add", a.ask)
	rt.Signed("GET /catalogue/{recipe}/plan", a.plan)
	rt.Signed("POST /catalogue/{recipe}/add", a.add)
	rt.Signed("GET /apps/{install}", a.show)
	rt.Signed("GET /apps/{install}/messages", a.messages)
	rt.Signed("GET /apps/{install}/messages/events", a.messageEvents)
	rt.Signed("GET /apps/{install}/messages/download", a.downloadMessages)
	rt.Signed("POST /apps/{install}/signin", a.signin)
	rt.Signed("POST /apps/{install}/start", a.change(box.Apps.Start))
	rt.Signed("POST /apps/{install}/stop", a.change(box.Apps.Stop))
	rt.Signed("POST /apps/{install}/restart", a.change(box.Apps.Restart))
	rt.Signed("POST /apps/{install}/title", a.retitle)
	rt.Signed("GET /apps/{install}/copy", a.askCopy)
	rt.Signed("POST /apps/{install}/copy", a.copy)
	rt.Signed("GET /apps/{install}/copy.zip", a.download)
	rt.Signed("GET /apps/{install}/remove", a.askRemove)
	rt.Signed("POST /apps/{install}/remove", a.remove)
}

type pages struct {
	area.Deps
	Box  Agent
	once *area.Once
}
