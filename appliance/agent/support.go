// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"net/url"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/health"
	"coopkit/appliance/support"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
	"coopkit/internal/process"
)

// makeSupport makes the link to the desk, and tells it where it learns what it
// reports.
func (a *Agent) makeSupport(ctx context.Context) {
	b := a.backend
	b.support = support.New(ctx, support.Deps{
		Store: b.store, Log: a.log, Facts: b.deskFacts, Sample: b.deskSample,
		Findings: func() []appliance.Finding { return b.health.Findings() },
		Report: func(err error) {
			if err == nil {
				b.troubles.Report("desk")
				return
			}
			b.troubles.Report("desk", appliance.Trouble{Kind: appliance.TroubleDesk, Err: err})
		},
	})
}

// deskFacts are what this box is and carries.
func (b *backend) deskFacts(ctx context.Context) (wire.Facts, error) {
	settings, err := b.Settings(ctx)
	if err != nil {
		return wire.Facts{}, err
	}
	host, err := b.Host(ctx)
	if err != nil {
		return wire.Facts{}, err
	}
	f := wire.Facts{
		Coop: settings.Coop, Name: settings.Box, Language: settings.Language, Agent: process.Version(),
		System: host.System, Arch: host.Arch, Kernel: host.Kernel, CPUs: host.CPUs, Memory: host.MemoryBytes,
	}
	limited, cancel := context.WithTimeout(ctx, engine.Glance)
	defer cancel()
	if info, err := b.engine.Info(limited); err == nil {
		f.Engine = info.Name + " " + info.Version
	}
	apps, err := b.ownApps(ctx)
	if err != nil {
		return f, err
	}
	reach, err := b.Reach(ctx, appliance.AskReach{})
	if err != nil {
		return f, err
	}
	for _, a := range apps {
		i := wire.Install{Name: string(a.Name), Title: a.Title, Recipe: a.Recipe, Version: a.Version, Release: a.Release, State: a.State}
		if len(a.Addresses) > 0 {
			i.Host = a.Addresses[0].String()
			i.Reach = string(reachOf(reach, a.Addresses[0]))
		}
		f.Installs = append(f.Installs, i)
	}
	sites, err := b.sites.List(ctx)
	if err != nil {
		return f, err
	}
	for _, s := range sites {
		f.Sites = append(f.Sites, wire.Site{Host: s.Host.String(), Version: s.Version, Published: wire.At(s.Created)})
	}
	for _, c := range b.gateway.Certificates() {
		f.Certificates = append(f.Certificates, wire.Certificate{Host: c.Host, Issuer: c.Issuer, Expires: wire.At(c.NotAfter)})
	}
	return f, nil
}

// ownApps are the installs but those that "coopkit recipe test" made.
func (b *backend) ownApps(ctx context.Context) ([]appliance.App, error) {
	all, err := b.apps.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []appliance.App
	for _, a := range all {
		if !a.Scratch {
			out = append(out, a)
		}
	}
	return out, nil
}

// deskSample is how this box is now.
func (b *backend) deskSample(ctx context.Context) (wire.Sample, error) {
	host, err := b.Host(ctx)
	if err != nil {
		return wire.Sample{}, err
	}
	s := wire.Sample{
		UptimeS: host.UptimeS, Load: host.Load, Memory: host.MemoryBytes, MemoryUsed: host.MemoryUsed,
		Disk: host.DiskBytes, DiskUsed: host.DiskUsed,
	}
	apps, err := b.ownApps(ctx)
	if err != nil { // an engine that hangs must not make the whole box look silent
		s.Apps, err = b.countApps(ctx)
		return s, err
	}
	s.Apps, s.AppsUp = upOf(apps)
	return s, nil
}

// upOf counts the apps that should run, and those of them that do: what
// somebody stopped is not down.
func upOf(apps []appliance.App) (should, do int) {
	for _, a := range apps {
		if a.Wanted != appliance.WantRunning {
			continue
		}
		should++
		if a.State == "running" {
			do++
		}
	}
	return should, do
}

// countApps counts the installs that should run, without asking the engine.
func (b *backend) countApps(ctx context.Context) (n int, err error) {
	installs, err := b.store.Installs(ctx)
	for _, in := range installs {
		if !in.Scratch && in.Wanted == appliance.WantRunning {
			n++
		}
	}
	return n, err
}

// healthDesk is the link as the checks see it.
func (b *backend) healthDesk() health.Desk {
	c := b.support.Contact()
	u, err := url.Parse(c.URL)
	if !c.Joined || err != nil {
		return health.Desk{}
	}
	return health.Desk{Host: u.Host, Heard: c.Heard, Trouble: words(c.Trouble), Refused: words(c.Refused)}
}

func words(p *problem.Problem) string {
	if p == nil {
		return ""
	}
	return strings.TrimSuffix(problem.Reason(p), ".")
}
