// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"os"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/apps"
	"coopkit/appliance/control"
	"coopkit/appliance/engine"
	"coopkit/appliance/gateway"
	"coopkit/appliance/health"
	"coopkit/appliance/images"
	"coopkit/appliance/jobs"
	"coopkit/appliance/metrics"
	"coopkit/appliance/names"
	"coopkit/appliance/notify"
	"coopkit/appliance/reach"
	"coopkit/appliance/sites"
	"coopkit/appliance/store"
	"coopkit/appliance/support"
	"coopkit/appliance/usage"
	"coopkit/internal/process"
	"coopkit/recipes"
)

// backend has the parts, and joins them where a change needs several.
type backend struct {
	cfg       Config
	started   time.Time
	store     *store.Store
	engine    engine.Engine
	catalogue *recipes.Catalogue
	images    *images.Images
	apps      *apps.Apps
	names     *names.Names
	sites     *sites.Sites
	door      *door
	gateway   *gateway.Gateway
	dns       interface{ Addrs() []string }
	health    *health.Registry
	looker    *reach.Looker
	usage     *usage.Usage
	metrics   *metrics.Metrics
	support   *support.Support
	notify    *notify.Notify
	face      *face // nil: no console
	troubles  health.Troubles
	jobs      *jobs.Runner
	system    system
}

// calls is what this agent does for others, by area.
func (b *backend) calls() control.Agent {
	return control.Agent{
		Box: b, Health: b.health, Recipes: recipeCalls{b}, Apps: b.apps, Jobs: b.jobs,
		Names: b.names, Redirects: redirectCalls{b}, Sites: siteCalls{b, b.sites}, Desk: b.support, Usage: b.usage,
		Messages: b.notify, Metrics: b.metrics,
	}
}

// register makes the kinds of job known that join several parts.
func (b *backend) register() {
	b.jobs.Register(appliance.ChangePublish, jobs.Typed(b.pushSteps))
	b.jobs.Register(appliance.ChangeRollbackSite, jobs.Typed(b.publishSteps))
	b.jobs.Register(appliance.ChangeRemoveSite, jobs.Typed(b.removeSiteSteps))
	b.jobs.Register(appliance.ChangeAddRedirect, jobs.Typed(b.addRedirectSteps))
	b.jobs.Register(appliance.ChangeRemoveRedirect, jobs.Typed(b.removeRedirectSteps))
	b.jobs.Register(appliance.ChangeRefreshImages, jobs.Typed(b.refreshSteps))
}

// Status says how the agent is.
func (b *backend) Status(ctx context.Context) (appliance.Status, error) {
	shown, err := b.health.Shown(ctx)
	if err != nil {
		return appliance.Status{}, err
	}
	s := appliance.Status{
		Version: process.Version(), Started: b.started, PID: os.Getpid(), State: b.cfg.State,
		CA: b.gateway.CAFile(), DNS: strings.Join(b.dns.Addrs(), " "), Worst: worst(shown), Looked: shown.At,
		Usage: b.usage.Now(""),
	}
	if a := b.gateway.Addrs(); a.HTTPS != nil {
		s.HTTPS = a.HTTPS.String()
		if a.HTTP != nil {
			s.HTTP = a.HTTP.String()
		}
	}
	if addr, ca := b.face.at(); addr != "" {
		s.Console = addr
		if s.CA == "" {
			s.CA = ca
		}
	}
	limited, cancel := context.WithTimeout(ctx, engine.Glance)
	defer cancel()
	info, err := b.engine.Info(limited)
	if err != nil {
		s.Engine = "does not answer"
		return s, nil //nolint:nilerr // the doctor says why
	}
	s.Engine = info.Name + " " + info.Version
	return s, nil
}

// worst is nil when there is nothing to say: no look yet, and nothing known
// from before the start.
func worst(r appliance.Report) *appliance.Severity {
	if w := r.Worst(); w > appliance.OK || !r.At.IsZero() {
		return &w
	}
	return nil
}

// Certificates lists the certificates of the front door.
func (b *backend) Certificates(context.Context) ([]appliance.Certificate, error) {
	return b.gateway.Certificates(), nil
}
