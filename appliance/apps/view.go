// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"net/netip"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/hostname"
)

// List returns every install, with the state of its services. Without an
// engine the states are unknown and the rest is still told; an install whose
// records cannot be read is failing.
func (a *Apps) List(ctx context.Context) ([]appliance.App, error) {
	installs, err := a.Store.Installs(ctx)
	if err != nil {
		return nil, err
	}
	glance, cancel := context.WithTimeout(ctx, engine.Glance) // for all of them
	defer cancel()
	out := make([]appliance.App, len(installs))
	for i, in := range installs {
		if out[i], err = a.view(ctx, glance, in); err != nil {
			out[i].State = "failing" // the doctor says why
		}
	}
	return out, nil
}

// Show returns one install.
func (a *Apps) Show(ctx context.Context, name appliance.InstallName) (appliance.App, error) {
	in, err := a.Store.Install(ctx, name)
	if err != nil {
		return appliance.App{}, err
	}
	glance, cancel := context.WithTimeout(ctx, engine.Glance)
	defer cancel()
	return a.view(ctx, glance, in)
}

// view is an install with what the engine says of it before glance ends.
func (a *Apps) view(ctx, glance context.Context, in appliance.Install) (appliance.App, error) {
	app := appliance.App{Install: in, Program: a.program(in), State: "adding", Services: []appliance.ServiceState{}}
	app.Title = a.Title(in)
	if a.Usage != nil {
		app.Usage = a.Usage(in.Name)
	}
	if len(in.Addresses) > 0 {
		app.URL = a.Door.URL(in.Addresses[0])
	}
	if in.Release == 0 {
		return app, nil
	}
	r, err := a.read(ctx, in, in.Release)
	if err != nil {
		return app, err
	}
	app.Program, app.Version, app.Images = r.recipe.Title["en"], a.runs(r), r.Images
	have, err := a.Engine.Observe(glance, in.Name)
	if err != nil {
		app.State = "unknown"
		return app, nil //nolint:nilerr // the doctor says why the engine does not answer
	}
	for _, c := range have.Containers {
		app.Services = append(app.Services, appliance.ServiceState{Name: c.Service, State: string(c.State), Health: c.Health})
	}
	app.State = state(in, have)
	switch {
	case !a.Changing(in.Name):
	case in.HasOwner:
		app.State = "changing"
	default:
		app.State = "adding"
	}
	return app, nil
}

// state sums the services up in one word.
func state(in appliance.Install, have engine.Observed) string {
	if in.Wanted == appliance.WantStopped {
		return "stopped"
	}
	word := "running"
	for _, c := range have.Containers {
		switch {
		case c.State == engine.Exited && c.ExitCode == 0: // a service that runs once
		case c.State == engine.Restarting || c.State == engine.Exited || c.State == engine.Dead || c.Health == "unhealthy":
			return "failing"
		case c.State != engine.Running || c.Health == "starting":
			word = "starting"
		}
	}
	if len(have.Containers) == 0 {
		return "failing"
	}
	return word
}

// Endpoint is where the front door finds a web service of an install.
type Endpoint struct {
	Host    hostname.Name
	Install appliance.InstallName
	Title   string
	Target  netip.AddrPort // zero before a release is active
	Open    bool           // visitors may reach it: it has an owner, and its add cannot be undone any more
	Stopped bool
	Err     error // why it cannot be found; Target is zero then
}

// Endpoints returns the web services of all installs that have an address. It
// asks only the store: addresses are fixed, so the front door stays open when
// the engine does not answer. An install whose records cannot be read has its
// endpoints too, with why.
func (a *Apps) Endpoints(ctx context.Context) ([]Endpoint, error) {
	installs, err := a.Store.Installs(ctx)
	if err != nil {
		return nil, err
	}
	var out []Endpoint
	for _, in := range installs {
		if in.Scratch {
			continue
		}
		out = append(out, a.endpoints(ctx, in)...)
	}
	return out, nil
}

func (a *Apps) endpoints(ctx context.Context, in appliance.Install) []Endpoint {
	out := make([]Endpoint, len(in.Addresses))
	for i, host := range in.Addresses {
		out[i] = Endpoint{
			Host: host, Install: in.Name, Title: a.Title(in),
			Open: in.HasOwner && in.Open, Stopped: in.Wanted == appliance.WantStopped,
		}
	}
	if in.Release == 0 {
		return out
	}
	r, err := a.read(ctx, in, in.Release)
	for i := range out {
		if out[i].Err = err; err == nil {
			out[i].Target, out[i].Err = r.endpoint(r.recipe.Web[i].Name)
		}
	}
	return out
}

// Services returns the services that an install should have.
func (a *Apps) Services(ctx context.Context, name appliance.InstallName) ([]engine.Service, error) {
	spec, err := a.Spec(ctx, name)
	return spec.Services, err
}

// Spec returns what an install should have of the engine.
func (a *Apps) Spec(ctx context.Context, name appliance.InstallName) (engine.Spec, error) {
	r, err := a.active(ctx, name)
	if err != nil {
		return engine.Spec{}, err
	}
	return r.spec, nil
}

// Trouble is what is wrong with an install of which the engine has this, for
// the health checks; nil when it is as wanted: its data is there and it keeps
// its health contract.
func (a *Apps) Trouble(ctx context.Context, name appliance.InstallName, have engine.Observed) error {
	r, err := a.active(ctx, name)
	if err != nil {
		return err
	}
	if err := checkData(r.spec, have); err != nil || r.spec.Stopped {
		return err
	}
	v, err := a.visitor(r)
	if err != nil {
		return err
	}
	return v.look(ctx, r.recipe.Health)
}

// Changing reports whether a job is changing an install now.
func (a *Apps) Changing(name appliance.InstallName) bool { return a.Jobs.Working(subject(name)) }
