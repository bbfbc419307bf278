// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// release is one release of an install, with all that running it needs: the
// recipe that it keeps, never one of today's catalogue. Nobody changes it.
type release struct {
	appliance.Release
	install appliance.Install
	recipe  *recipes.Recipe
	vars    recipes.Vars
	spec    engine.Spec
}

// active reads the release that an install should run.
func (a *Apps) active(ctx context.Context, name appliance.InstallName) (*release, error) {
	in, err := a.Store.Install(ctx, name)
	if err != nil {
		return nil, err
	}
	return a.read(ctx, in, in.Release)
}

// newest reads the release that was recorded last, active or not: the one that
// a job which changes the install works on.
func (a *Apps) newest(ctx context.Context, name appliance.InstallName) (*release, error) {
	in, err := a.Store.Install(ctx, name)
	if err != nil {
		return nil, err
	}
	all, err := a.Store.Releases(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("read releases of %s: there is none", name)
	}
	return a.read(ctx, in, all[len(all)-1].Number)
}

// read reads one release of an install.
func (a *Apps) read(ctx context.Context, in appliance.Install, number int) (_ *release, err error) {
	r := &release{install: in}
	defer func() {
		if err != nil {
			err = fmt.Errorf("read release %d of %s: %w", number, in.Name, err)
		}
	}()
	if !in.Subnet.IsValid() {
		return nil, appliance.Unreadable("the app "+string(in.Name), errors.New("its subnet or its settings are damaged"))
	}
	if r.Release, err = a.Store.Release(ctx, in.Name, number); err != nil {
		return nil, err
	}
	r.recipe, err = a.shelf.recipe(r.Release, func() ([]byte, error) { return a.Store.ReleaseFolder(ctx, in.Name, number) })
	if err != nil {
		return nil, tooNew(err, r.Program)
	}
	if len(in.Addresses) > len(r.recipe.Web) {
		return nil, appliance.Unreadable("the app "+string(in.Name), errors.New("it has more addresses than its recipe has web services"))
	}
	secrets, err := a.Store.Secrets(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	r.vars = a.vars(r.recipe, in, secrets)
	project, err := a.shelf.render(in.Name, r.recipe, r.vars)
	if err != nil {
		return nil, err
	}
	r.spec = specOf(in, r.recipe, project, r.Images)
	r.spec.Release = number
	return r, a.assign(ctx, r.spec)
}

// only is the release with some of its services.
func (r *release) only(services []string) *release {
	some := *r
	some.spec.Services = slices.DeleteFunc(slices.Clone(r.spec.Services), func(s engine.Service) bool { return !slices.Contains(services, s.Name) })
	return &some
}

// next is a copy of what is on record of the release, for one that comes after
// it and is recorded by a program.
func (r *release) next(program string) appliance.Release {
	next := r.Release
	next.Number, next.Program, next.Images = 0, program, maps.Clone(r.Images)
	return next
}

// tooNew names the program that recorded a release which this one cannot read.
func tooNew(err error, program string) error {
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Code != "recipe-newer" || program == "" {
		return err
	}
	named := *p
	named.Next = append([]string{"install coopkit " + program + " or newer, which added the app"}, p.Next...)
	return &named
}

// specOf joins a rendered project with its images.
func specOf(in appliance.Install, r *recipes.Recipe, project *recipes.Project, images map[string]appliance.Image) engine.Spec {
	spec := engine.Spec{
		Install: in.Name, Recipe: r.Name, Version: r.Version, Subnet: in.Subnet,
		Volumes: project.Volumes, Stopped: in.Wanted == appliance.WantStopped, Hosts: ownNames(in),
	}
	for _, s := range project.Services {
		spec.Services = append(spec.Services, engine.Service{Service: s, Resolved: images[s.Name]})
	}
	return spec
}

// assign gives the services of spec their addresses, and records those that had
// none. They are the same again at the next look if that fails, so nothing has
// to stop for it.
func (a *Apps) assign(ctx context.Context, spec engine.Spec) error {
	places, err := a.Store.Places(ctx, spec.Install)
	if err != nil {
		return err
	}
	given, err := engine.AssignAddresses(spec.Subnet, spec.Services, places)
	if err != nil || len(given) == 0 {
		return err
	}
	if err := a.Store.SetPlaces(ctx, spec.Install, given); err != nil {
		a.Log.Warn("addresses of services not recorded", slog.String(logkey.Install, string(spec.Install)), slog.Any(logkey.Err, err))
	}
	return nil
}

// raise brings the engine to a release: it starts what is to run, makes anew
// what differs, and stops what is to be stopped. Everything that starts an app
// does it, whether a person, a job or the reconcile loop asks. It never makes a
// volume: an install whose data is gone must not start with empty data, which
// would look like lost data and hide that the old may still exist.
func (a *Apps) raise(ctx context.Context, r *release, p appliance.Progress) error {
	spec := r.spec
	have, err := a.Engine.Observe(ctx, spec.Install)
	if err != nil {
		return err
	}
	if err := checkData(spec, have); err != nil {
		return err
	}
	steps, err := engine.Plan(spec, have)
	if err != nil || len(steps) == 0 {
		return err
	}
	if err := a.haveImages(ctx, r, steps, p); err != nil {
		return err
	}
	a.Log.Info("install differs from what is wanted", slog.String(logkey.Install, string(spec.Install)), slog.Int(logkey.Count, len(steps)))
	return engine.Apply(ctx, a.Engine, steps, p)
}

// checkData reports a volume that is gone.
func checkData(spec engine.Spec, have engine.Observed) error {
	for _, v := range spec.Volumes {
		if !slices.Contains(have.Volumes, v) {
			return dataMissing(spec.Install, v)
		}
	}
	return nil
}
