// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"strconv"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/problem"
)

// nameInput is the input of jobs that need nothing but the install, and what
// was wanted of it before.
type nameInput struct {
	Name   appliance.InstallName
	Before appliance.Wanted
}

// Start starts a stopped app.
func (a *Apps) Start(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return a.change(ctx, appliance.ChangeStart, name)
}

// Stop stops an app; its data and its address stay. The error is a Problem
// "app-stopped-already" when there is nothing to do.
func (a *Apps) Stop(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return a.change(ctx, appliance.ChangeStop, name)
}

// Restart stops an app and starts it again.
func (a *Apps) Restart(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return a.change(ctx, appliance.ChangeRestart, name)
}

func (a *Apps) change(ctx context.Context, kind appliance.Change, name appliance.InstallName) (appliance.Job, error) {
	in, err := a.Store.Install(ctx, name)
	if err != nil {
		return appliance.Job{}, err
	}
	if kind == appliance.ChangeStop && in.Wanted == appliance.WantStopped && !a.Changing(name) {
		return appliance.Job{}, alreadyStopped(a.Title(in), name)
	}
	return a.Jobs.StartWith(ctx, kind, subject(name), a.words(in), nameInput{Name: name, Before: in.Wanted})
}

func alreadyStopped(title string, name appliance.InstallName) error {
	return &problem.Problem{
		Code: "app-stopped-already", Kind: problem.Conflict,
		What: title + " is stopped already",
		Next: []string{"to start it: coopkit app start " + string(name)},
		Args: map[string]string{"app": title},
	}
}

func (a *Apps) startSteps(_ context.Context, in nameInput) ([]jobs.Step, error) {
	return []jobs.Step{
		a.imagesStep(in.Name),
		a.want(in, appliance.StepStart, appliance.WantRunning),
		{Code: appliance.StepReady, Do: a.visiting(in.Name, a.active, a.ready)},
	}, nil
}

func (a *Apps) stopSteps(_ context.Context, in nameInput) ([]jobs.Step, error) {
	return []jobs.Step{a.want(in, appliance.StepStop, appliance.WantStopped)}, nil
}

func (a *Apps) restartSteps(_ context.Context, in nameInput) ([]jobs.Step, error) {
	return []jobs.Step{
		a.imagesStep(in.Name),
		a.want(in, appliance.StepStop, appliance.WantStopped),
		a.want(in, appliance.StepStart, appliance.WantRunning),
		{Code: appliance.StepReady, Do: a.visiting(in.Name, a.active, a.ready)},
	}, nil
}

// want is the step that records what is wanted and makes it so.
func (a *Apps) want(in nameInput, step appliance.StepCode, w appliance.Wanted) jobs.Step {
	set := func(ctx context.Context, w appliance.Wanted, p appliance.Progress) error {
		if err := a.Store.SetWanted(ctx, in.Name, w); err != nil {
			return err
		}
		if err := a.Door.Refresh(ctx); err != nil {
			return err
		}
		r, err := a.active(ctx, in.Name)
		if err != nil {
			return err
		}
		if err := a.raise(ctx, r, p); err != nil {
			return err
		}
		if w == appliance.WantRunning {
			jobs.AddFact(ctx, appliance.FactStarted, "programs_count", strconv.Itoa(len(r.spec.Services)))
		} else {
			jobs.AddFact(ctx, appliance.FactStopped)
		}
		return nil
	}
	return jobs.Step{
		Code: step,
		Do:   func(ctx context.Context, p appliance.Progress) error { return set(ctx, w, p) },
		Undo: func(ctx context.Context) error {
			err := set(ctx, in.Before, appliance.Quiet{})
			if couldNotRun(err) {
				return nil
			}
			return err
		},
	}
}
