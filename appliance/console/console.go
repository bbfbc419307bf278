// SPDX-License-Identifier: AGPL-3.0-or-later

// Package console is the box in a browser, for the steward who is no IT person:
// it joins the areas (set-up, home, apps, sites, names, activity, help,
// settings) into one web interface with one frame. It asks the agent through
// control.Agent and knows nothing of how the agent does anything. Its tests
// visit every route as a stranger and read every page in three languages; the
// journeys of internal/tools/journey use it in a real browser.
package console

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/apps"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/entry"
	"coopkit/appliance/console/home"
	"coopkit/appliance/console/jobs"
	"coopkit/appliance/console/names"
	"coopkit/appliance/console/settings"
	"coopkit/appliance/console/sites"
	"coopkit/appliance/control"
	"coopkit/appliance/say"
	"coopkit/internal/locale"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
	"coopkit/internal/webkit/account"
)

// Deps are what the console works with.
type Deps struct {
	Box      control.Agent
	Accounts *signin.Service
	Log      *slog.Logger
	Now      func() time.Time
	Version  string
	// Statements counts those sent to the database, for the log; nil: nobody counts.
	Statements func() int64
	Metrics    http.Handler // for whoever has its token; nil: there are none
}

// MetricsPath is where Deps.Metrics is served.
const MetricsPath = "/metrics"

// Console is the web interface of one box. It is safe for concurrent use.
type Console struct {
	deps Deps
	ui   *webkit.UI
}

// New makes the console; what is wrong in its templates and messages is known
// then.
func New(d Deps) (*Console, error) {
	if d.Metrics == nil {
		d.Metrics = http.NotFoundHandler()
	}
	c := &Console{deps: d}
	files := []fs.FS{
		messages(), account.Files(), area.Files(), say.Files(), apps.Files(), entry.Files(), home.Files(), jobs.Files(), names.Files(), settings.Files(), sites.Files(),
	}
	var err error
	if c.ui, err = webkit.New(webkit.Config{
		Name: "console", Templates: files, Messages: files, Log: d.Log, Now: d.Now, User: account.User(d.Accounts), Frame: c.frame,
		Statements: d.Statements,
		Context: func(ctx context.Context, u webkit.User) context.Context {
			return appliance.WithBy(ctx, appliance.By{Kind: appliance.ByPerson, Name: u.Name})
		},
	}); err != nil {
		return nil, err
	}
	deps, box := area.Deps{UI: c.ui, Log: d.Log, Now: d.Now}, d.Box
	c.ui.Router().Public("GET "+MetricsPath, func(w http.ResponseWriter, r *http.Request) error {
		d.Metrics.ServeHTTP(w, r)
		return nil
	})
	entry.Routes(entry.Deps{Deps: deps, Accounts: d.Accounts, Box: entry.Agent{Box: box.Box, Names: box.Names, Jobs: box.Jobs, Recipes: box.Recipes}})
	home.Routes(deps, home.Agent{
		Health: box.Health, Apps: box.Apps, Sites: box.Sites, Recipes: box.Recipes, Jobs: box.Jobs, Box: box.Box, Desk: box.Desk, Usage: box.Usage,
	})
	apps.Routes(deps, apps.Agent{Apps: box.Apps, Recipes: box.Recipes, Box: box.Box, Health: box.Health, Names: box.Names, Usage: box.Usage, Confirm: c.confirm})
	jobs.Routes(deps, jobs.Agent{Jobs: box.Jobs, Apps: box.Apps})
	sites.Routes(deps, sites.Agent{Sites: box.Sites, Names: box.Names, Jobs: box.Jobs})
	names.Routes(deps, names.Agent{Names: box.Names, Redirects: box.Redirects, Apps: box.Apps, Sites: box.Sites, Box: box.Box})
	settings.Routes(deps, settings.Agent{Box: box.Box, Desk: box.Desk, Apps: box.Apps, Sites: box.Sites, Names: box.Names, Metrics: box.Metrics, Messages: box.Messages})
	return c, nil
}

// confirm makes sure, by their password, that whoever is signed in asks.
func (c *Console) confirm(r *http.Request, password string) error {
	u, _ := webkit.UserOf(r.Context())
	return c.deps.Accounts.Confirm(r.Context(), signin.PersonID(u.ID), password, account.Client(r, account.RemoteAddr(r)))
}

// Handler returns the whole interface. A box without an account sends everybody
// to its set-up, but for programs that read its metrics.
func (c *Console) Handler() http.Handler {
	all := c.ui.Router().Handler()
	mux := http.NewServeMux()
	mux.Handle("/", entry.SetupFirst(c.deps.Accounts, all))
	mux.Handle(MetricsPath, all)
	return mux
}

// Routes lists every route, for the test that visits them as a stranger.
func (c *Console) Routes() []webkit.Route { return c.ui.Router().Routes() }

// Bundle returns all messages of the console, for tests.
func (c *Console) Bundle() *locale.Bundle { return c.ui.Bundle() }

// frame is what stands around every page: the co-op's own name first, then
// where one can go.
func (c *Console) frame(r *http.Request, p *webkit.Page) {
	p.Version, p.Help = c.deps.Version, "/help"
	p.Brand = webkit.Brand{Name: "Coopkit", Sub: p.T("console.closed"), Href: "/"}
	if strings.HasPrefix(r.URL.Path, "/setup") {
		p.Brand.Sub = p.T("console.setup")
	}
	p.Foot = []webkit.Link{{Text: p.T("console.leave"), Href: "/leave"}, {Text: p.T("console.accessibility"), Href: "/accessibility"}}
	zone, _ := p.Now.Zone()
	p.Note = p.T("console.times", "zone", zone)
	if p.User == nil {
		p.Wide = true
		return
	}
	if s, err := c.deps.Box.Box.Settings(r.Context()); err == nil {
		p.Brand = webkit.Brand{Name: s.Coop, Sub: p.T("console.box", "name", s.Box), Href: "/"}
		if s.Coop == "" {
			p.Brand.Name = s.Box
		}
	}
	p.Nav = c.nav(r, p)
}

// place is an entry of the navigation: the paths that begin with one of under
// belong to it, and findings about subjects that begin with about wait there.
// Those that wait nowhere else wait on the first page.
type place struct {
	key, href, icon string
	under, about    []string
	gap             bool
}

var places = [...]place{
	{key: "console.nav.home", href: "/", icon: "home", under: []string{"/findings"}},
	{key: "console.nav.apps", href: "/apps", icon: "apps", under: []string{"/apps", "/catalogue"}, about: []string{"app:"}},
	{key: "console.nav.sites", href: "/sites", icon: "globe", under: []string{"/sites"}, about: []string{"site:"}},
	{key: "console.nav.names", href: "/names", icon: "tag", under: []string{"/names"}, about: []string{"name:", "zone:", "host:"}},
	{key: "console.nav.help", href: "/help", icon: "help", under: []string{"/help"}},
	{key: "console.nav.activity", href: "/activity", icon: "list", under: []string{"/activity", "/jobs"}, gap: true},
	{key: "console.nav.settings", href: "/settings", icon: "gear", under: []string{"/settings", "/account"}, about: []string{"messages:", "desk:"}},
}

func (c *Console) nav(r *http.Request, p *webkit.Page) []webkit.NavItem {
	report, err := c.deps.Box.Health.Shown(r.Context())
	if err != nil {
		report = appliance.Report{} // the page itself says what it could not look at
	}
	items := make([]webkit.NavItem, len(places))
	for i, at := range places {
		items[i] = webkit.NavItem{Text: p.T(at.key), Href: at.href, Icon: at.icon, Gap: at.gap, Here: r.URL.Path == at.href || hasPrefix(r.URL.Path, at.under)}
	}
	for _, g := range area.Groups(report.Findings) { // as the cards of the first page
		if f := g[0]; f.Severity >= appliance.Warning && f.Who == appliance.You {
			items[placeOf(f)].Count++
			p.Waiting++
		}
	}
	return items
}

// placeOf is where a finding waits.
func placeOf(f appliance.Finding) int {
	return max(0, slices.IndexFunc(places[:], func(at place) bool { return hasPrefix(f.Subject, at.about) }))
}

func hasPrefix(s string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}
