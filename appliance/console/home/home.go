// SPDX-License-Identifier: AGPL-3.0-or-later

// Package home is the first page of the console, which says in words how the
// box is, and the pages of what the checks found. It asks the agent through
// control.Agent only and knows nothing of how checks work. Its tests compare
// what the pages say with made-up boxes, in three languages.
package home

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/control"
	"coopkit/internal/logkey"
)

//go:embed templates/*.html messages/*.json
var files embed.FS

// Files returns the templates and messages of this area.
func Files() fs.FS { return files }

// pages are the handlers of this area. Last is what "Look again" found.
type pages struct {
	area.Deps
	Box  Agent
	mu   sync.Mutex
	last appliance.Report
}

// Agent is what this area asks of the box.
type Agent struct {
	Health  control.Health
	Apps    control.Apps
	Sites   control.Sites
	Recipes control.Recipes
	Jobs    control.Jobs
	Box     control.Box
	Desk    control.Desk
	Usage   control.Usage
}

// Routes registers the pages of this area.
func Routes(d area.Deps, box Agent) {
	p := &pages{Deps: d, Box: box}
	rt := d.UI.Router()
	rt.Signed("GET /{$}", p.home)
	rt.Signed("GET /findings", p.findings)
	rt.Signed("POST /findings/look", p.look)
	rt.Signed("GET /findings/{code}/{subject...}", p.finding)
}

// stays is how long what "Look again" found is shown instead of what the checks
// find that run all the time: these wait until something is bad twice.
const stays = time.Minute

// report is what there is to tell about findings now.
func (d *pages) report(ctx context.Context) (appliance.Report, error) {
	d.mu.Lock()
	last := d.last
	d.mu.Unlock()
	if d.Now().Sub(last.At) < stays && !last.At.IsZero() {
		return last, nil
	}
	return d.Box.Health.Shown(ctx)
}

// box is what the home page shows; what could not be looked at is nil.
type box struct {
	report   appliance.Report
	apps     []appliance.App
	sites    []appliance.Site
	certs    []appliance.Certificate
	reach    []appliance.AddressReach
	host     *appliance.Host
	usage    *appliance.Usage
	desk     *appliance.DeskLink
	jobs     []appliance.Job
	week     []appliance.Day
	needs    map[string]string // of recipes
	unlooked bool              // apps or sites are not known
}

// lately is how many jobs the home page shows.
const lately = 6

// ask asks for everything; one part that does not answer does not take the
// others with it.
func (d *pages) ask(ctx context.Context, span appliance.UsageSpan) (box, error) {
	var b box
	var err error
	if b.report, err = d.report(ctx); err != nil {
		return b, err
	}
	missing := func(what string, err error) bool {
		if err != nil {
			d.Log.WarnContext(ctx, "home page without a part", slog.String(logkey.Component, what), slog.Any(logkey.Err, err))
		}
		return err != nil
	}
	if all, err := d.Box.Apps.List(ctx); missing("apps", err) {
		b.unlooked = true
	} else {
		b.apps = area.Own(all)
	}
	if b.sites, err = d.Box.Sites.List(ctx); missing("sites", err) {
		b.unlooked = true
	}
	if b.reach, err = d.Box.Box.Reach(ctx, appliance.AskReach{}); missing("reach", err) {
		b.unlooked = true
	}
	if b.certs, err = d.Box.Box.Certificates(ctx); missing("certificates", err) {
		b.certs = nil
	}
	if host, err := d.Box.Box.Host(ctx); !missing("host", err) {
		b.host = &host
	}
	if usage, err := d.Box.Usage.Usage(ctx, appliance.AskUsage{Span: span}); !missing("usage", err) {
		b.usage = &usage
	}
	if desk, err := d.Box.Desk.Status(ctx); !missing("desk", err) {
		b.desk = &desk
	}
	if b.jobs, err = d.Box.Jobs.List(ctx, lately); missing("jobs", err) {
		b.jobs = nil
	}
	if b.week, err = d.Box.Health.Week(ctx); missing("week", err) {
		b.week = nil
	}
	b.needs = map[string]string{}
	if recipes, err := d.Box.Recipes.List(ctx); !missing("recipes", err) {
		for _, r := range recipes {
			b.needs[r.Name] = r.Need
		}
	}
	return b, nil
}
