// SPDX-License-Identifier: AGPL-3.0-or-later

// Package names is the area of the console for names: the zones that this box
// answers for, the addresses in use and whether they lead here, the records to
// enter where a name is managed, live; certificates; redirects. It must not
// know DNS beyond the words of control. Its tests use a whole agent.
package names

import (
	"embed"
	"io/fs"
	"time"

	"coopkit/appliance/console/area"
	"coopkit/appliance/control"
	"coopkit/internal/webkit"
)

//go:embed templates/*.html messages/*.json
var files embed.FS

// Files returns the templates and messages of this area.
func Files() fs.FS { return files }

type names struct {
	area.Deps
	Box  Agent
	once *area.Once
	pace pace
}

// pace is how often an open page looks again: first after short, and while
// nothing changes ever later, up to long. A sign of life goes out each beat.
type pace struct{ short, long, beat time.Duration }

// Agent is what this area asks of the box.
type Agent struct {
	Names     control.Names
	Redirects control.Redirects
	Apps      control.Apps
	Sites     control.Sites
	Box       control.Box
}

// Routes adds the pages of this area.
func Routes(d area.Deps, box Agent) {
	routes(d, box, pace{short: 10 * time.Second, long: 5 * time.Minute, beat: 15 * time.Second})
}

func routes(d area.Deps, box Agent, p pace) {
	n := &names{Deps: d, Box: box, once: area.NewOnce(d.Now), pace: p}
	rt := d.UI.Router()
	rt.Signed("GET /names", n.list)
	rt.Signed("POST /names", n.add)
	rt.Signed("GET /names/new", n.ask)
	rt.Signed("POST /names/redirects", n.addRedirect)
	rt.Signed("POST /names/redirects/{host}/remove", n.removeRedirect)
	rt.Signed("GET /names/{name}", n.show)
	rt.Signed("GET /names/{name}/events", n.events)
	rt.Signed("POST /names/{name}/look", n.again)
	rt.Signed("GET /names/{name}/labels", n.labels)
	rt.Signed("GET /names/{name}/copy", n.copy)
	rt.Signed("GET /names/{name}/remove", n.confirm)
	rt.Signed("POST /names/{name}/remove", n.remove)
}

func crumbs(p *webkit.Page, more ...webkit.Link) []webkit.Link {
	return append([]webkit.Link{{Text: p.T("names.crumb"), Href: "/names"}}, more...)
}
