// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"errors"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/hostnet"
	"coopkit/appliance/health"
	"coopkit/internal/problem"
)

// makeHealth makes the registry with every check, and tells each where it
// learns what it judges.
func (a *Agent) makeHealth() (err error) {
	b := a.backend
	checks := a.cfg.Outside.Checks
	if checks == nil {
		checks = health.Standard(b.facts())
	}
	b.health, err = health.New(health.Deps{
		Log: a.log, Store: b.store, Changed: func() { b.support.Changed(); b.notify.Changed() },
		Report: func(err error) {
			b.troubles.Report("findings", appliance.Trouble{Kind: appliance.TroubleFindings, Err: err})
		},
	}, checks...)
	return err
}

// facts are what the checks judge.
func (b *backend) facts() health.Facts {
	return health.Facts{
		StateDir: b.cfg.State, Engine: b.engineInfo, Apps: b.healthApps, Certificates: b.Certificates,
		Names: b.healthNames, Listeners: b.listeners, LastBackup: noBackups, Integrity: b.store.Check,
		LocalOnly: b.localOnly, Desk: b.healthDesk, Messages: b.healthMessages, Troubles: b.troubles.All, OutOfMemory: b.outOfMemory,
	}
}

// engineInfo asks the engine, which counts as one that does not answer when it
// takes its time: the checks' own limit would only say that nobody knows.
func (b *backend) engineInfo(ctx context.Context) (engine.Info, error) {
	limited, cancel := context.WithTimeout(ctx, engine.Answer)
	defer cancel()
	return b.engine.Info(limited)
}

// outOfMemory are the programs of apps that were ended for want of memory.
func (b *backend) outOfMemory() []health.OutOfMemory {
	var out []health.OutOfMemory
	for _, one := range b.apps.OutOfMemory() {
		title := string(one.Install)
		if in, err := b.store.Install(context.Background(), one.Install); err == nil { // a removed one keeps its name
			title = b.apps.Title(in)
		}
		out = append(out, health.OutOfMemory{App: title, At: one.At})
	}
	return out
}

// localOnly are the addresses that the zones of this box have although only its
// own network can use them. Those that a person named are meant.
func (b *backend) localOnly(ctx context.Context) ([]string, error) {
	if len(b.cfg.PublicAddresses) > 0 {
		return nil, nil
	}
	addrs, local, err := hostnet.Addresses()
	if err != nil || !local {
		return nil, err
	}
	zones, err := b.store.Zones(ctx)
	if err != nil || len(zones) == 0 {
		return nil, err
	}
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = a.String()
	}
	return out, nil
}

// noBackups says that nothing was backed up yet: backups are not part of this
// version, and the doctor says so.
func noBackups(context.Context, appliance.InstallName) (time.Time, error) { return time.Time{}, nil }

// listeners are the addresses of the front door.
func (b *backend) listeners() []string {
	var out []string
	at := b.gateway.Addrs()
	if at.HTTP != nil {
		out = append(out, at.HTTP.String())
	}
	if at.HTTPS != nil {
		out = append(out, at.HTTPS.String())
	}
	return out
}

// healthApps are the installs with what they should have and what they have.
func (b *backend) healthApps(ctx context.Context) ([]health.App, error) {
	installs, err := b.store.Installs(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, engine.Answer) // for all of them
	defer cancel()
	var out []health.App
	for _, in := range installs {
		if in.Scratch {
			continue
		}
		app, err := b.healthApp(ctx, in)
		if errors.Is(err, &problem.Problem{Code: "install-unknown"}) { // removed meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, app)
	}
	return out, nil
}

func (b *backend) healthApp(ctx context.Context, in appliance.Install) (health.App, error) {
	app := health.App{Install: in, Title: b.apps.Title(in), Busy: in.Release == 0 || b.apps.Changing(in.Name)}
	if app.Busy {
		return app, nil
	}
	services, err := b.apps.Services(ctx, in.Name)
	if err != nil { // the finding about its records says why
		app.Busy = true
		return app, nil //nolint:nilerr // one install must not hide the others
	}
	for _, s := range services {
		app.Services = append(app.Services, health.AppService{Name: s.Name, OneShot: s.OneShot})
	}
	have, err := b.engine.Observe(ctx, in.Name)
	if err != nil {
		return app, err
	}
	app.Containers = have.Containers
	app.Contract = func(ctx context.Context) error { return b.apps.Trouble(ctx, in.Name, have) }
	return app, nil
}

// healthNames looks up every address of this box where it counts.
func (b *backend) healthNames(ctx context.Context) ([]appliance.NameCheck, error) {
	addresses, err := b.store.Addresses(ctx)
	if err != nil {
		return nil, err
	}
	var out []appliance.NameCheck
	for _, a := range addresses {
		c, err := b.names.Check(ctx, a.Host.String())
		if err != nil {
			c = appliance.NameCheck{Host: a.Host.String(), Unanswered: true, Problem: problem.Reason(err)}
		}
		out = append(out, c)
	}
	return out, nil
}
