// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/jobs"
)

// Title is what people call an install: the everyday name that they chose, or
// that of its program.
func (a *Apps) Title(in appliance.Install) string { return cmp.Or(in.Title, a.program(in)) }

// Taken is the Problem of wanting an address that is held, with the name of the
// app if it is one's.
func (a *Apps) Taken(ctx context.Context, held appliance.Address) error {
	in, err := a.Store.Install(ctx, held.Install)
	if err != nil { // it is no app's, or that goes at this moment
		return held.Taken(string(held.Install))
	}
	return held.Taken(a.Title(in))
}

// program is what the catalogue calls what an install runs. It may know the
// recipe no more.
func (a *Apps) program(in appliance.Install) string {
	if r, err := a.Catalogue.Find(in.Recipe); err == nil && r.Title["en"] != "" {
		return r.Title["en"]
	}
	return cmp.Or(in.Recipe, string(in.Name))
}

// words are the values in the words about a change of an install.
func (a *Apps) words(in appliance.Install) map[string]string {
	return map[string]string{"title": a.Title(in)}
}

// described are the lines of a plan for steps of the engine, in which an install
// has its everyday name.
func (a *Apps) described(in appliance.Install, steps []engine.Step) []appliance.Line {
	lines := make([]appliance.Line, len(steps))
	for i, s := range steps {
		if lines[i] = s.Describe(); lines[i].Kind == appliance.KindNetwork {
			lines[i].Name = a.Title(in)
		}
	}
	return lines
}

// sameTitle warns when people would call two apps the same.
func (a *Apps) sameTitle(all []appliance.Install, name appliance.InstallName, title string) []appliance.Note {
	if !slices.ContainsFunc(all, func(in appliance.Install) bool {
		return in.Name != name && !in.Scratch && strings.EqualFold(a.Title(in), title)
	}) {
		return nil
	}
	return []appliance.Note{{Code: appliance.NoteSameTitle, Args: map[string]string{"title": title}}}
}

// retitleInput is the input of a change of the everyday name.
type retitleInput struct {
	Name          appliance.InstallName
	Title, Before string
}

// Retitle calls an app by another everyday name, in every sentence from now on;
// an empty one is that of its program. It returns the job when that has ended.
// Errors: Problems "title-invalid", "install-unknown".
func (a *Apps) Retitle(ctx context.Context, req appliance.RetitleApp) (appliance.Job, error) {
	job, err := a.startRetitle(ctx, req)
	if err != nil {
		return job, err
	}
	if err := a.Jobs.Follow(ctx, job.ID, 0, func(appliance.JobEvent) error { return nil }); err != nil {
		return job, err
	}
	return a.Jobs.Job(ctx, job.ID)
}

func (a *Apps) startRetitle(ctx context.Context, req appliance.RetitleApp) (appliance.Job, error) {
	in, err := a.Store.Install(ctx, req.Name)
	if err != nil {
		return appliance.Job{}, err
	}
	title, err := appliance.ParseTitle(req.Title)
	if err != nil {
		return appliance.Job{}, err
	}
	args := a.words(in)
	args["new"] = cmp.Or(title, a.program(in))
	return a.Jobs.StartWith(ctx, appliance.ChangeRetitle, subject(in.Name), args, retitleInput{in.Name, title, in.Title})
}

func (a *Apps) retitleSteps(_ context.Context, in retitleInput) ([]jobs.Step, error) {
	set := func(ctx context.Context, title string) error {
		if err := a.Store.SetTitle(ctx, in.Name, title); err != nil {
			return err
		}
		return a.Door.Refresh(ctx) // the pages that visitors see while it is closed have its name
	}
	return []jobs.Step{{
		Code: appliance.StepRetitle,
		Do:   func(ctx context.Context, _ appliance.Progress) error { return set(ctx, in.Title) },
		Undo: func(ctx context.Context) error { return set(ctx, in.Before) },
	}}, nil
}
