// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/jobs"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// makeOwner makes the first account of an app, before the public can reach it.
// An account that exists already is left alone.
func (a *Apps) makeOwner(ctx context.Context, v *visitor, p appliance.Progress) error {
	first := v.recipe.FirstAccount
	if first.None {
		jobs.AddFact(ctx, appliance.FactNoAccounts)
		p.Log("the app has no accounts")
		return nil
	}
	if first.Proof != nil && v.look(ctx, *first.Proof) == nil {
		p.Log("the first account exists")
		return nil
	}
	for _, step := range first.HTTP {
		if err := v.step(ctx, step); err != nil {
			return noOwner(v.recipe, err)
		}
	}
	for _, step := range first.Exec {
		if err := a.execStep(ctx, v, step); err != nil {
			return noOwner(v.recipe, err)
		}
	}
	if first.Proof != nil {
		if err := v.wait(ctx, *first.Proof); err != nil {
			return noOwner(v.recipe, err)
		}
	}
	jobs.AddFact(ctx, appliance.FactAccount, "user", v.user)
	p.Log("made the account of " + v.user)
	return nil
}

// step makes one request with its variables filled in.
func (v *visitor) step(ctx context.Context, s recipes.HTTPStep) error {
	form := url.Values{}
	for key, value := range s.Form {
		filled, err := recipes.Expand(value, v.vars)
		if err != nil {
			return err
		}
		form.Set(key, filled)
	}
	if len(s.Form) == 0 {
		form = nil
	}
	status, body, err := v.request(ctx, s.Method, s.Web, s.Path, form, false)
	if err != nil {
		return err
	}
	return expect(s.Method+" "+s.Path, status, body, s.Status, s.Contains)
}

func (a *Apps) execStep(ctx context.Context, v *visitor, s recipes.ExecStep) error {
	command := make([]string, len(s.Command))
	for i, arg := range s.Command {
		filled, err := recipes.Expand(arg, v.vars)
		if err != nil {
			return err
		}
		command[i] = filled
	}
	stdin, err := recipes.Expand(s.Stdin, v.vars)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	code, err := a.Engine.Exec(ctx, v.spec.Install, engine.Exec{
		Service: s.Service, Command: command, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &out,
	})
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("command in %s ended with %d: %s", s.Service, code, lastLine(out.String()))
	}
	return nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

func noOwner(r *recipes.Recipe, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &problem.Problem{
		Code: "first-account-failed", Kind: problem.Failed,
		What: "the first account of " + r.Name + " could not be made, so the app stays closed",
		Why:  err.Error(),
		Next: []string{"try again", "coopkit recipe test " + r.Name, "tell the maintainers of the recipe: coopkit recipe show " + r.Name},
		Err:  err,
	}
}

// Signin returns how the owner signs in the first time.
func (a *Apps) Signin(ctx context.Context, name appliance.InstallName) (appliance.Signin, error) {
	r, err := a.active(ctx, name)
	if err != nil {
		return appliance.Signin{}, err
	}
	v, err := a.visitor(r)
	if err != nil {
		return appliance.Signin{}, err
	}
	return appliance.Signin{URL: r.vars["URL"] + r.recipe.FirstAccount.Path, User: v.user, Password: v.pass}, nil
}

// ShowSignin records that somebody sees the first sign-in of an app again, as a
// job for everybody to read, and returns it. Whoever calls has made sure of who
// asks.
func (a *Apps) ShowSignin(ctx context.Context, name appliance.InstallName) (appliance.Signin, error) {
	in, err := a.Store.Install(ctx, name)
	if err != nil {
		return appliance.Signin{}, err
	}
	shown, err := a.Signin(ctx, name)
	if err != nil {
		return appliance.Signin{}, err
	}
	_, err = a.Jobs.StartWith(ctx, appliance.ChangeShowSignin, subject(name), a.words(in), nameInput{Name: name})
	return shown, err
}

func (a *Apps) showSigninSteps(context.Context, nameInput) ([]jobs.Step, error) {
	return []jobs.Step{{
		Code: appliance.StepShowSignin, Commit: true,
		Do: func(context.Context, appliance.Progress) error { return nil }, // what was done is the record
	}}, nil
}

// MarkSigninShown notes that the console has shown the first sign-in of an app.
// The error is a Problem "signin-shown" when that was noted before.
func (a *Apps) MarkSigninShown(ctx context.Context, name appliance.InstallName) error {
	return a.Store.MarkSigninShown(ctx, name)
}
