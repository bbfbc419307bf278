// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/jobs"
)

// removeInput is the input of a remove.
type removeInput struct {
	Install appliance.Install
	Export  string // folder of the final export; empty for none
}

// PlanRemove says what removing an app would do.
func (a *Apps) PlanRemove(ctx context.Context, req appliance.RemoveApp) (appliance.Plan, error) {
	in, err := a.Store.Install(ctx, appliance.InstallName(req.Name))
	if err != nil {
		return appliance.Plan{}, err
	}
	return a.planRemove(ctx, a.removal(in, req.NoExport))
}

func (a *Apps) removal(in appliance.Install, noExport bool) removeInput {
	if noExport {
		return removeInput{Install: in}
	}
	return removeInput{Install: in, Export: filepath.Join(a.Exports, string(in.Name)+"-"+a.Now().UTC().Format("20060102-150405"))}
}

func (a *Apps) planRemove(ctx context.Context, input removeInput) (appliance.Plan, error) {
	in := input.Install
	plan := appliance.Plan{
		Kind: appliance.ChangeRemove, Subject: subject(in.Name), Args: a.words(in), WayBack: appliance.Note{Code: appliance.BackExport},
	}
	var err error
	if plan.Steps, err = a.Jobs.Outline(ctx, appliance.ChangeRemove, input); err != nil {
		return plan, err
	}
	limited, cancel := context.WithTimeout(ctx, engine.Answer)
	defer cancel()
	have, err := a.Engine.Observe(limited, in.Name)
	if err != nil {
		return plan, err
	}
	plan.Space = a.spaceOf(in.Name)
	if input.Export == "" {
		plan.WayBack.Code = appliance.BackNone
	} else {
		plan.Space.Needs = plan.Space.Frees // until the app is gone, its data is there twice
		plan.Lines = append(plan.Lines, appliance.Line{Verb: appliance.VerbExport, Kind: appliance.KindData, To: a.Exports})
	}
	for _, host := range in.Addresses {
		plan.Lines = append(plan.Lines, appliance.Line{Verb: appliance.VerbClose, Kind: appliance.KindAddress, Name: a.Door.URL(host)})
	}
	plan.Lines = append(plan.Lines, a.described(in, engine.Teardown(have, false))...)
	return plan.Seal(), nil
}

// spaceOf is what removing the data of an install gives back.
func (a *Apps) spaceOf(name appliance.InstallName) appliance.Space {
	var s appliance.Space
	if a.Usage != nil {
		if used := a.Usage(name).DiskBytes; used != nil {
			s.Frees = uint64(max(*used, 0))
		}
	}
	if room, err := a.Room(); err == nil {
		s.Free = room.DiskBytes
	}
	return s
}

// Remove starts removing an app.
func (a *Apps) Remove(ctx context.Context, req appliance.RemoveApp) (appliance.Job, error) {
	in, err := a.Store.Install(ctx, appliance.InstallName(req.Name))
	if err != nil {
		return appliance.Job{}, err
	}
	input := a.removal(in, req.NoExport)
	plan, err := a.planRemove(ctx, input)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := plan.Agreed(req.PlanHash); err != nil {
		return appliance.Job{}, err
	}
	return a.Jobs.StartWith(ctx, appliance.ChangeRemove, subject(in.Name), a.words(in), input)
}

// removeSteps: until the export is safe the app can come back; from then on the
// removal is finished, whatever happens.
func (a *Apps) removeSteps(_ context.Context, in removeInput) ([]jobs.Step, error) {
	name := in.Install.Name
	var steps []jobs.Step
	if in.Export != "" {
		steps = append(steps, jobs.Step{
			Code: appliance.StepExport,
			Do: func(ctx context.Context, p appliance.Progress) error {
				return exportFailed(a.export(ctx, name, in.Export, p))
			},
			Undo: func(ctx context.Context) error { return a.dropExport(ctx, name, in.Export) },
		})
	}
	return append(steps,
		jobs.Step{
			Code: appliance.StepClose,
			Do: func(ctx context.Context, _ appliance.Progress) error {
				if err := a.Store.SetWanted(ctx, name, appliance.WantStopped); err != nil {
					return err
				}
				jobs.AddFact(ctx, appliance.FactClosed)
				return a.Door.Refresh(ctx)
			},
			Undo: func(ctx context.Context) error {
				if err := a.Store.SetWanted(ctx, name, in.Install.Wanted); err != nil {
					return err
				}
				a.Wake()
				return a.Door.Refresh(ctx)
			},
			Commit: true,
		},
		jobs.Step{
			Name: "names", Code: appliance.StepReleaseName,
			Do: func(ctx context.Context, _ appliance.Progress) error { return a.forgetNames(ctx, in.Install) },
		},
		jobs.Step{
			Code: appliance.StepContainers, Destroys: true,
			Do: func(ctx context.Context, p appliance.Progress) error { return a.teardown(ctx, name, p) },
		},
		jobs.Step{
			Code: appliance.StepForget,
			Do: func(ctx context.Context, _ appliance.Progress) error {
				if err := errors.Join(os.RemoveAll(a.copies(name)), a.Store.DeleteInstall(ctx, name)); err != nil {
					return err
				}
				return a.Door.Refresh(ctx)
			},
		},
	), nil
}

// TestRecipe tries a recipe in a scratch place: it adds it where nobody can
// reach it, runs its checks and removes it, whatever came out.
func (a *Apps) TestRecipe(ctx context.Context, recipe string, images appliance.ImageSource) (appliance.Job, error) {
	name := "test-" + recipe + "-" + a.Now().UTC().Format("150405")
	in, _, err := a.prepare(ctx, appliance.AddApp{
		Recipe: recipe, Name: name, Host: name + ".invalid", Images: images, Settings: a.testAnswers(recipe),
	})
	if err != nil {
		return appliance.Job{}, err
	}
	in.Install.Scratch = true
	return a.Jobs.StartWith(ctx, appliance.ChangeRecipeTest, subject(in.Install.Name), a.words(in.Install), in)
}

// testAnswers answers the questions that have no default.
func (a *Apps) testAnswers(recipe string) map[string]string {
	r, err := a.Catalogue.Find(recipe)
	if err != nil {
		return nil // prepare says it better
	}
	answers := map[string]string{}
	for _, s := range r.Settings {
		switch {
		case s.Default != "":
		case s.Type == "email":
			answers[s.Name] = "steward@example.com"
		case s.Type == "number":
			answers[s.Name] = "1"
		case s.Type == "bool":
			answers[s.Name] = "false"
		case len(s.Choices) > 0:
			answers[s.Name] = s.Choices[0]
		default:
			answers[s.Name] = "Test of " + r.Name
		}
	}
	return answers
}

func (a *Apps) testSteps(ctx context.Context, in addInput) ([]jobs.Step, error) {
	steps, err := a.raiseSteps(ctx, in)
	if err != nil {
		return nil, err
	}
	return append(steps, jobs.Step{
		Code: appliance.StepClear,
		Do: func(ctx context.Context, p appliance.Progress) error {
			if err := a.teardown(ctx, in.Install.Name, p); err != nil {
				return err
			}
			return a.Store.DeleteInstall(ctx, in.Install.Name)
		},
		Commit: true,
	}), nil
}
