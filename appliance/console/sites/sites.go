// SPDX-License-Identifier: AGPL-3.0-or-later

// Package sites is the area of the console for static sites: what is published,
// sending a folder or an archive, agreeing to publish it, going back, taking it
// off. It must not know where the agent keeps sites, nor what an archive is made
// of. Its tests send real and hostile archives through real requests to a whole
// agent.
package sites

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

//go:embed templates/*.html messages/*.json
var files embed.FS

// Files returns the templates and messages of this area.
func Files() fs.FS { return files }

type site struct {
	area.Deps
	Box  Agent
	once *area.Once
	sent int64 // how many bytes may be sent
}

// Agent is what this area asks of the box.
type Agent struct {
	Sites control.Sites
	Names control.Names
	Jobs  control.Jobs
}

// Routes adds the pages of this area.
func Routes(d area.Deps, box Agent) { routes(d, box, maxSent) }

func routes(d area.Deps, box Agent, sent int64) {
	s := &site{Deps: d, Box: box, once: area.NewOnce(d.Now), sent: sent}
	rt := d.UI.Router()
	rt.Signed("GET /sites", s.list)
	rt.Signed("GET /sites/new", s.ask)
	rt.Upload("POST /sites/new", 2*sent, s.send) // beyond the limit it is thrown away, with an answer
	rt.Signed("GET /sites/{site}", s.show)
	rt.Signed("GET /sites/{site}/copy", s.copy)
	rt.Signed("GET /sites/{site}/publish", s.plan)
	rt.Signed("POST /sites/{site}/publish", s.publish)
	rt.Signed("POST /sites/{site}/discard", s.discard)
	rt.Signed("POST /sites/{site}/versions/{n}/back", s.back)
	rt.Signed("GET /sites/{site}/remove", s.confirm)
	rt.Signed("POST /sites/{site}/remove", s.remove)
}

func session(r *http.Request) string {
	u, _ := webkit.UserOf(r.Context()) // the router lets nobody else in
	return u.ID + "/" + u.Session
}

// draft returns what this session sent.
func (s *site) draft(r *http.Request, id string) (appliance.Draft, error) {
	d, err := s.Box.Sites.Draft(r.Context(), id)
	if err == nil && d.Owner != session(r) {
		err = appliance.DraftGone()
	}
	return d, err
}

// versions returns the published version of the site of a request and all
// versions that are kept, newest first.
func (s *site) versions(r *http.Request) (now appliance.Site, all []appliance.Site, err error) {
	all, err = s.Box.Sites.Versions(r.Context(), r.PathValue("site"))
	if err != nil {
		return now, nil, err
	}
	for _, v := range all {
		if v.Published {
			return v, all, nil
		}
	}
	return now, nil, notPublished(r.PathValue("site"))
}

func notPublished(host string) error {
	return &problem.Problem{
		Code: "site-not-published", Kind: problem.NotFound, What: "no version of " + host + " is published yet",
		Why: "it may be going on at this moment", Next: []string{"look at the activity of the box"},
	}
}

func crumbs(p *webkit.Page, more ...webkit.Link) []webkit.Link {
	return append([]webkit.Link{{Text: p.T("sites.crumb"), Href: "/sites"}}, more...)
}

func sitePath(host string, rest ...string) string {
	return "/sites/" + strings.Join(append([]string{host}, rest...), "/")
}
