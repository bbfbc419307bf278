// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"log/slog"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/jobs"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// missing returns the services of a release whose image the engine does not
// have any more: somebody removed it, or the engine lost its data.
func (a *Apps) missing(ctx context.Context, services []engine.Service) ([]engine.Service, error) {
	var out []engine.Service
	for _, s := range services {
		if _, ok, err := a.Engine.Image(ctx, s.Resolved.ID); err != nil {
			return nil, err
		} else if !ok {
			out = append(out, s)
		}
	}
	return out, nil
}

// haveImages fetches again what is missing of the images that the steps need.
// Only the very same images will do here: a digest gives them, a build gives
// others, which are a release of their own. Then the error is a Problem
// "image-gone".
func (a *Apps) haveImages(ctx context.Context, r *release, steps []engine.Step, p appliance.Progress) error {
	gone, err := a.missing(ctx, engine.Creates(steps))
	if err != nil {
		return err
	}
	for _, s := range gone {
		if s.Resolved.Source == appliance.FromDebian {
			return imageGone(r.install.Name, s.Name)
		}
		got, err := a.Images.Ensure(ctx, r.recipe, s.Name, s.Image, s.Resolved.Source, p)
		if err != nil {
			return err
		}
		if got.ID != s.Resolved.ID {
			return imageGone(r.install.Name, s.Name)
		}
	}
	return nil
}

// imagesStep gets the images of an app again that are gone. Where they cannot be
// the same, it records a release with the new ones and makes it active; the one
// before could not run any more.
func (a *Apps) imagesStep(name appliance.InstallName) jobs.Step {
	return jobs.Step{
		Code: appliance.StepImages,
		Do:   func(ctx context.Context, p appliance.Progress) error { return a.renewImages(ctx, name, p) },
	}
}

func (a *Apps) renewImages(ctx context.Context, name appliance.InstallName, p appliance.Progress) error {
	r, err := a.active(ctx, name)
	if err != nil {
		return err
	}
	gone, err := a.missing(ctx, r.spec.Services)
	if err != nil {
		return err
	}
	next := r.next(a.Version)
	changed := false
	for _, s := range gone {
		force := appliance.ImageSource("")
		if s.Resolved.Source == appliance.FromDebian { // somebody chose to build it
			force = appliance.FromDebian
		}
		got, err := a.Images.Ensure(ctx, r.recipe, s.Name, s.Image, force, p)
		if err != nil {
			return err
		}
		next.Images[s.Name], changed = got, changed || got.ID != s.Resolved.ID
	}
	if !changed {
		return nil
	}
	next.Created = a.Now().UTC()
	folder, err := a.Store.ReleaseFolder(ctx, name, r.Number)
	if err != nil {
		return err
	}
	number, err := a.Store.InsertRelease(ctx, next, folder)
	if err != nil {
		return err
	}
	a.Log.Info("release with images made again", slog.String(logkey.Install, string(name)), slog.Int(logkey.Count, number))
	return a.Store.Activate(ctx, name, number)
}

// errImageGone is what imageGone's problems are compared with.
var errImageGone = &problem.Problem{Code: "image-gone"}

func imageGone(name appliance.InstallName, service string) error {
	return &problem.Problem{
		Code: "image-gone", Kind: problem.Failed,
		What: "the program for " + string(name) + " (" + service + ") is not on this box any more, so it was not started",
		Why:  "somebody removed its image from the container engine, and built again it is not the same one",
		Next: []string{
			"coopkit app restart " + string(name) + ", which makes it again",
			"look for what cleans up on this machine, such as docker image prune --all",
		},
		Args: map[string]string{"app": string(name), "service": service},
	}
}

// couldNotRun reports whether an error says that an app could not run before
// either, so that putting it back need not start it.
func couldNotRun(err error) bool {
	return errors.Is(err, errDataMissing) || errors.Is(err, errImageGone)
}
