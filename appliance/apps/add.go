// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/jobs"
	"coopkit/appliance/store"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// certificateLimit is how long an add waits for a certificate. A slow or
// refusing certificate authority does not undo the app: the gateway goes on
// trying and the doctor shows it.
const certificateLimit = 90 * time.Second

// Add starts adding an app.
func (a *Apps) Add(ctx context.Context, req appliance.AddApp) (appliance.Job, error) {
	in, recipe, err := a.prepare(ctx, req)
	if err != nil {
		return appliance.Job{}, err
	}
	plan, err := a.planAdd(ctx, in, recipe)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := plan.Agreed(req.PlanHash); err != nil {
		return appliance.Job{}, err
	}
	return a.Jobs.Start(ctx, appliance.ChangeAdd, subject(in.Install.Name), in)
}

// addSteps are the steps of an add. What is undone is everything: a failed add
// leaves its record and its log behind, and images as a cache.
func (a *Apps) addSteps(_ context.Context, in addInput) ([]jobs.Step, error) {
	recipe, err := a.Catalogue.Find(in.Install.Recipe)
	if err != nil {
		return nil, err
	}
	steps, err := a.raiseSteps(in, recipe)
	if err != nil {
		return nil, err
	}
	name := in.Install.Name
	return append(steps,
		jobs.Step{
			Name: "names", Code: appliance.StepPointName,
			Do: func(ctx context.Context, p appliance.Progress) error {
				for _, host := range in.Install.Addresses {
					if err := a.Names.EnsureHost(ctx, host, subject(name)); err != nil {
						return err
					}
					p.Log(host.String())
				}
				return nil
			},
			Undo: func(ctx context.Context) error { return a.forgetNames(ctx, in.Install) },
		},
		jobs.Step{
			Code:   appliance.StepDoor,
			Do:     func(ctx context.Context, p appliance.Progress) error { return a.open(ctx, in.Install, p) },
			Commit: true,
		},
	), nil
}

// raiseSteps bring an install up to having an owner and passing its checks,
// without anybody outside being able to reach it.
func (a *Apps) raiseSteps(in addInput, recipe *recipes.Recipe) ([]jobs.Step, error) {
	install := in.Install
	order, err := startOrder(recipe, a.vars(recipe, install, recipes.GenerateSecrets(recipe)))
	if err != nil {
		return nil, err
	}
	steps := []jobs.Step{
		{
			Code: appliance.StepRecord,
			Do:   func(ctx context.Context, _ appliance.Progress) error { return a.record(ctx, install, recipe) },
			Undo: func(ctx context.Context) error { return a.unrecord(ctx, install) },
		},
		{
			Code: appliance.StepImages,
			Do:   func(ctx context.Context, p appliance.Progress) error { return a.release(ctx, in, recipe, p) },
		},
		{
			Code: appliance.StepPlace,
			Do:   func(ctx context.Context, p appliance.Progress) error { return a.place(ctx, install.Name, p) },
			Undo: func(ctx context.Context) error { return a.teardown(ctx, install.Name, appliance.Quiet{}) },
		},
	}
	for i, service := range order {
		steps = append(steps, jobs.Step{
			Name: "start-" + service, Code: appliance.StepStartService, Args: map[string]string{"service": service},
			Do: func(ctx context.Context, p appliance.Progress) error {
				return a.bring(ctx, install.Name, order[:i+1], p)
			},
		})
	}
	return append(steps,
		jobs.Step{Code: appliance.StepReady, Do: a.visiting(install.Name, a.ready)},
		jobs.Step{Code: appliance.StepOwner, Do: a.visiting(install.Name, a.own)},
		jobs.Step{Code: appliance.StepTry, Do: a.visiting(install.Name, a.smoke)},
	), nil
}

// startOrder names the services in the order in which they start.
func startOrder(recipe *recipes.Recipe, vars recipes.Vars) ([]string, error) {
	project, err := recipe.Render(vars)
	if err != nil {
		return nil, err
	}
	services := make([]engine.Service, len(project.Services))
	for i, s := range project.Services {
		services[i] = engine.Service{Service: s}
	}
	ordered, err := engine.Ordered(services)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(ordered))
	for i, s := range ordered {
		names[i] = s.Name
	}
	return names, nil
}

func (a *Apps) record(ctx context.Context, in appliance.Install, recipe *recipes.Recipe) error {
	entry := store.NewInstall{Install: in, Secrets: recipes.GenerateSecrets(recipe)}
	for i, host := range in.Addresses {
		entry.Addresses = append(entry.Addresses, appliance.Address{
			Host: host, Kind: appliance.ToService, Install: in.Name, Web: recipe.Web[i].Name,
		})
	}
	for {
		err := a.Store.CreateInstall(ctx, entry)
		if err == nil {
			return a.Door.Refresh(ctx) // shows visitors that it is being set up
		}
		if !errors.Is(err, store.ErrSubnetTaken) { // by another add that began at the same time
			return err
		}
		if entry.Subnet, err = a.subnet(ctx); err != nil {
			return err
		}
	}
}

// unrecord forgets an install that record made, and no other of its name.
func (a *Apps) unrecord(ctx context.Context, in appliance.Install) error {
	there, err := a.Store.Install(ctx, in.Name)
	if errors.Is(err, &problem.Problem{Code: "install-unknown"}) {
		return nil
	}
	if err != nil {
		return err
	}
	if !there.Created.Equal(in.Created) {
		return nil
	}
	if err := a.Store.DeleteInstall(ctx, in.Name); err != nil {
		return err
	}
	return a.Door.Refresh(ctx)
}

// release resolves the images and records release 1.
func (a *Apps) release(ctx context.Context, in addInput, recipe *recipes.Recipe, p appliance.Progress) error {
	project, err := recipe.Render(a.vars(recipe, in.Install, recipes.GenerateSecrets(recipe)))
	if err != nil {
		return err
	}
	images := map[string]appliance.Image{}
	for _, s := range project.Services {
		if images[s.Name], err = a.Images.Ensure(ctx, recipe, s.Name, s.Image, in.Images, p); err != nil {
			return err
		}
	}
	folder, err := pack(recipe)
	if err != nil {
		return err
	}
	p.Log(fmt.Sprintf("%d images are here", len(images)))
	return a.Store.AddRelease(ctx, appliance.Release{
		Install: in.Install.Name, Number: 1, Version: recipe.Version, Images: images,
		Settings: in.Install.Settings, Created: a.Now().UTC(),
	}, folder)
}

// bring makes the given services run.
func (a *Apps) bring(ctx context.Context, name appliance.InstallName, services []string, p appliance.Progress) error {
	spec, _, _, err := a.spec(ctx, name)
	if err != nil {
		return err
	}
	all := spec.Services
	spec.Services = nil
	for _, s := range all {
		for _, wanted := range services {
			if s.Name == wanted {
				spec.Services = append(spec.Services, s)
			}
		}
	}
	return a.apply(ctx, spec, p)
}

// visiting makes a step of something that speaks to the app over HTTP.
func (a *Apps) visiting(name appliance.InstallName, do func(context.Context, *visitor, appliance.Progress) error) func(context.Context, appliance.Progress) error {
	return func(ctx context.Context, p appliance.Progress) error {
		spec, recipe, vars, err := a.spec(ctx, name)
		if err != nil {
			return err
		}
		v, err := a.visitor(recipe, vars, spec)
		if err != nil {
			return err
		}
		return do(ctx, v, p)
	}
}

// ready waits for the health contract; when it is not kept, the last lines of
// the services go into the job's log, because undoing removes them.
func (a *Apps) ready(ctx context.Context, v *visitor, p appliance.Progress) error {
	err := v.wait(ctx, v.recipe.Health)
	if err != nil && ctx.Err() == nil {
		lines := &logLines{p: p}
		if logErr := a.Engine.Logs(ctx, v.spec.Install, engine.LogOptions{Tail: 20}, lines); logErr != nil {
			a.Log.Warn("log not read", slog.String(logkey.Install, string(v.spec.Install)), slog.Any(logkey.Err, logErr))
		}
		lines.flush()
	}
	return err
}

// own makes the first account and records it: from then on the front door may
// open.
func (a *Apps) own(ctx context.Context, v *visitor, p appliance.Progress) error {
	if err := a.makeOwner(ctx, v, p); err != nil {
		return err
	}
	return a.Store.SetOwner(ctx, v.spec.Install, true)
}

// smoke does what the recipe says a member would do first.
func (a *Apps) smoke(ctx context.Context, v *visitor, p appliance.Progress) error {
	for _, c := range v.recipe.Smoke {
		if err := v.wait(ctx, c); err != nil {
			return err
		}
		p.Log("GET " + c.Path + " is as it should be")
	}
	return nil
}

// open lets visitors in and waits for the certificates.
func (a *Apps) open(ctx context.Context, in appliance.Install, p appliance.Progress) error {
	if err := a.Door.Refresh(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, certificateLimit)
	defer cancel()
	for _, host := range in.Addresses {
		if err := a.Door.WaitCertificate(limited, host); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			a.Log.Warn("no certificate yet", slog.String(logkey.Host, host.String()), slog.Any(logkey.Err, err))
			p.Log("no certificate for " + host.String() + " yet; coopkit doctor says why")
			continue
		}
		p.Log(a.Door.URL(host))
	}
	return nil
}

func (a *Apps) forgetNames(ctx context.Context, in appliance.Install) error {
	for _, host := range in.Addresses {
		if err := a.Names.RemoveHost(ctx, host, subject(in.Name)); err != nil {
			return err
		}
	}
	return nil
}
