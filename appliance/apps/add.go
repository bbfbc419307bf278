// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/jobs"
	"coopkit/appliance/store"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

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
	return a.Jobs.StartWith(ctx, appliance.ChangeAdd, subject(in.Install.Name), a.words(in.Install), in)
}

// addSteps are the steps of an add. What is undone is everything: a failed add
// leaves its record and its log behind, and images as a cache.
func (a *Apps) addSteps(ctx context.Context, in addInput) ([]jobs.Step, error) {
	steps, err := a.raiseSteps(ctx, in)
	if err != nil {
		return nil, err
	}
	name := in.Install.Name
	steps = append(steps,
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
			Code:   appliance.StepActivate,
			Do:     func(ctx context.Context, _ appliance.Progress) error { return a.activateNewest(ctx, name) },
			Commit: true,
		},
	)
	open := func(ctx context.Context) error { return a.Store.SetOpen(ctx, name, true) }
	return append(steps, OpenSteps(a.Door, in.Install.Addresses, open)...), nil
}

// raiseSteps bring an install up to having an owner and passing its checks,
// without anybody outside being able to reach it: its release is not active.
func (a *Apps) raiseSteps(ctx context.Context, in addInput) ([]jobs.Step, error) {
	install := in.Install
	order, err := a.orderOf(ctx, in)
	if err != nil {
		return nil, err
	}
	steps := []jobs.Step{
		{
			Code: appliance.StepRecord,
			Do:   func(ctx context.Context, _ appliance.Progress) error { return a.record(ctx, in) },
			Undo: func(ctx context.Context) error { return a.unrecord(ctx, install) },
		},
		{
			Code: appliance.StepImages,
			Do:   func(ctx context.Context, p appliance.Progress) error { return a.fetch(ctx, in, p) },
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
				return a.start(ctx, install.Name, order[:i+1], p)
			},
		})
	}
	return append(steps,
		jobs.Step{Code: appliance.StepReady, Do: a.visiting(install.Name, a.newest, a.ready)},
		jobs.Step{Code: appliance.StepOwner, Do: a.visiting(install.Name, a.newest, a.own)},
		jobs.Step{Code: appliance.StepTry, Do: a.visiting(install.Name, a.newest, a.smoke)},
	), nil
}

// orderOf names the services of an add in the order in which they start. An add
// that an older program began does not say it: its release does, if it has one
// already. Without a release nothing has been started.
func (a *Apps) orderOf(ctx context.Context, in addInput) ([]string, error) {
	if in.Services != nil {
		return in.Services, nil
	}
	r, err := a.newest(ctx, in.Install.Name)
	if err != nil {
		return nil, nil //nolint:nilerr // undoing must not fail for it
	}
	return startOrder(r.spec.Services)
}

// startOrder names the services in the order in which they start.
func startOrder(services []engine.Service) ([]string, error) {
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

// record records the install with its secrets, which are made here and nowhere
// else, and its first release with the recipe. From here on the catalogue may
// change or lose the recipe: the release keeps its own.
func (a *Apps) record(ctx context.Context, in addInput) error {
	recipe, err := a.Catalogue.Find(in.Install.Recipe)
	if err != nil {
		return err
	}
	folder, err := pack(recipe)
	if err != nil {
		return err
	}
	if err := a.recordInstall(ctx, in.Install, recipe); err != nil {
		return err
	}
	if _, err := a.Store.InsertRelease(ctx, appliance.Release{
		Install: in.Install.Name, Version: recipe.Version, Settings: in.Install.Settings, Program: a.Version, Created: a.Now().UTC(),
	}, folder); err != nil {
		return err
	}
	jobs.AddFact(ctx, appliance.FactRecorded, "passwords_count", strconv.Itoa(len(recipe.Secrets)))
	return a.Door.Refresh(ctx) // shows visitors that it is being set up
}

func (a *Apps) recordInstall(ctx context.Context, in appliance.Install, recipe *recipes.Recipe) error {
	entry := store.NewInstall{Install: in, Secrets: recipes.GenerateSecrets(recipe)}
	for i, host := range in.Addresses {
		entry.Addresses = append(entry.Addresses, appliance.Address{
			Host: host, Kind: appliance.ToService, Install: in.Name, Web: recipe.Web[i].Name,
		})
	}
	for {
		err := a.Store.CreateInstall(ctx, entry)
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

// fetch gets the images of the newest release and records them.
func (a *Apps) fetch(ctx context.Context, in addInput, p appliance.Progress) error {
	r, err := a.newest(ctx, in.Install.Name)
	if err != nil {
		return err
	}
	images := map[string]appliance.Image{}
	sizes := map[string]int64{} // by image: services may share one
	for _, s := range r.spec.Services {
		if images[s.Name], err = a.Images.Ensure(ctx, r.recipe, s.Name, s.Image, in.Images, p); err != nil {
			return err
		}
		id := images[s.Name].ID
		if info, ok, err := a.Engine.Image(ctx, id); err == nil && ok {
			sizes[id] = info.Bytes
		}
	}
	all := int64(0)
	for _, bytes := range sizes {
		all += bytes
	}
	jobs.AddFact(ctx, appliance.FactImages, "programs_count", strconv.Itoa(len(images)), "all_bytes", strconv.FormatInt(all, 10))
	p.Log(fmt.Sprintf("%d images are here", len(images)))
	return a.Store.SetImages(ctx, r.install.Name, r.Number, images)
}

// activateNewest makes the newest release the one that the install should run.
func (a *Apps) activateNewest(ctx context.Context, name appliance.InstallName) error {
	r, err := a.newest(ctx, name)
	if err != nil {
		return err
	}
	jobs.AddFact(ctx, appliance.FactRelease, "number", strconv.Itoa(r.Number))
	return a.Store.Activate(ctx, name, r.Number)
}

// start makes the given services of the newest release run.
func (a *Apps) start(ctx context.Context, name appliance.InstallName, services []string, p appliance.Progress) error {
	r, err := a.newest(ctx, name)
	if err != nil {
		return err
	}
	if err := a.raise(ctx, r.only(services), p); err != nil {
		return err
	}
	jobs.AddFact(ctx, appliance.FactRuns, "image", r.Images[services[len(services)-1]].Ref)
	return nil
}

// visiting makes a step of something that speaks to a release over HTTP.
func (a *Apps) visiting(name appliance.InstallName, which func(context.Context, appliance.InstallName) (*release, error),
	do func(context.Context, *visitor, appliance.Progress) error,
) func(context.Context, appliance.Progress) error {
	return func(ctx context.Context, p appliance.Progress) error {
		r, err := which(ctx, name)
		if err != nil {
			return err
		}
		v, err := a.visitor(r)
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

// own makes the first account and records it.
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

func (a *Apps) forgetNames(ctx context.Context, in appliance.Install) error {
	for _, host := range in.Addresses {
		if err := a.Names.RemoveHost(ctx, host, subject(in.Name)); err != nil {
			return err
		}
	}
	return nil
}
