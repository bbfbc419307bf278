// SPDX-License-Identifier: AGPL-3.0-or-later

package controltest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

var catalogue = []*recipes.Recipe{
	recipe("dokuwiki", "20250514b-1", "DokuWiki", "wiki"),
	recipe("radicale", "3.5.4-1", "Radicale", "calendar", recipes.Setting{
		Name: "email", Type: "email", Title: map[string]string{"en": "E-mail of the steward"}, Required: true,
	}),
	recipe("wordpress", "6.8.3-1", "WordPress", "website"),
}

func recipe(name, version, title, need string, settings ...recipes.Setting) *recipes.Recipe {
	return &recipes.Recipe{
		Name: name, Version: version, Title: map[string]string{"en": title}, Need: need, Licence: "GPL-2.0-or-later",
		Summary:  map[string]string{"en": "A " + need + " for your co-op"},
		Settings: settings,
		Web:      []recipes.Web{{Name: "web", Service: "web", Port: 80}},
	}
}

// Recipes implements control.Backend.
func (f fakeRecipes) List(ctx context.Context) ([]*recipes.Recipe, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Recipes"); err != nil {
		return nil, err
	}
	return catalogue, nil
}

// Recipe implements control.Backend.
func (f fakeRecipes) Show(ctx context.Context, name string) (*recipes.Recipe, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Recipe"); err != nil {
		return nil, err
	}
	return findRecipe(name)
}

func findRecipe(name string) (*recipes.Recipe, error) {
	for _, r := range catalogue {
		if r.Name == name {
			return r, nil
		}
	}
	return nil, unknown("recipe-unknown", fmt.Sprintf("there is no recipe named %q", name), "coopkit recipe list")
}

// TestRecipe implements control.Backend.
func (f fakeRecipes) Test(ctx context.Context, req appliance.TestRecipe) (appliance.Job, error) {
	name := req.Name
	defer f.mu.Unlock()
	if err := f.enter(ctx, "TestRecipe"); err != nil {
		return appliance.Job{}, err
	}
	if _, err := findRecipe(name); err != nil {
		return appliance.Job{}, err
	}
	return f.start(appliance.ChangeRecipeTest, "recipe:"+name, nil, appliance.StepImages, appliance.StepTry, appliance.StepClear), nil
}

// RefreshImages implements control.Backend.
func (f fakeRecipes) RefreshImages(ctx context.Context) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "RefreshImages"); err != nil {
		return appliance.Job{}, err
	}
	return f.start(appliance.ChangeRefreshImages, "images", nil, appliance.StepRefresh, appliance.StepImages), nil
}

// Apps implements control.Backend.
func (f fakeApps) List(ctx context.Context) ([]appliance.App, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Apps"); err != nil {
		return nil, err
	}
	list := []appliance.App{}
	for _, name := range slices.Sorted(maps.Keys(f.apps)) {
		list = append(list, *f.apps[name])
	}
	return list, nil
}

// App implements control.Backend.
func (f fakeApps) Show(ctx context.Context, name appliance.InstallName) (appliance.App, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "App"); err != nil {
		return appliance.App{}, err
	}
	a, err := f.app(string(name))
	if err != nil {
		return appliance.App{}, err
	}
	return *a, nil
}

func (f *Fake) app(name string) (*appliance.App, error) {
	a, ok := f.apps[appliance.InstallName(name)]
	if !ok {
		return nil, unknown("install-unknown", fmt.Sprintf("there is no app named %q on this box", name), "coopkit app list")
	}
	return a, nil
}

// PlanAdd implements control.Backend.
func (f fakeApps) PlanAdd(ctx context.Context, req appliance.AddApp) (appliance.Plan, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "PlanAdd"); err != nil {
		return appliance.Plan{}, err
	}
	_, p, err := f.planAdd(req)
	return p, err
}

func (f *Fake) planAdd(req appliance.AddApp) (*appliance.App, appliance.Plan, error) {
	r, err := findRecipe(req.Recipe)
	if err != nil {
		return nil, appliance.Plan{}, err
	}
	host, err := hostname.Parse(req.Host)
	if err != nil {
		return nil, appliance.Plan{}, err
	}
	name, err := appliance.ParseInstallName(cmp.Or(req.Name, r.Name))
	if err != nil {
		return nil, appliance.Plan{}, err
	}
	if f.apps[name] != nil || slices.Contains(f.hosts(), host) {
		return nil, appliance.Plan{}, fault("install-exists", problem.Conflict,
			fmt.Sprintf("there is an app named %s or at %s already", name, host), "choose another name with --name")
	}
	images := appliance.VerbFetch
	if req.Images == appliance.FromDebian {
		images = appliance.VerbBuild
	}
	for _, s := range r.Settings {
		if req.Settings[s.Name] == "" {
			return nil, appliance.Plan{}, fault("setting-invalid", problem.Invalid,
				"the setting "+s.Name+" needs an answer", "give it with --set "+s.Name+"=…")
		}
	}
	p := appliance.Plan{
		Kind: "add", Subject: "app:" + string(name), Args: map[string]string{"recipe": r.Name, "version": r.Version, "url": "https://" + string(host)},
		Lines: []appliance.Line{
			{Verb: images, Kind: appliance.KindImage, Name: "web"},
			{Verb: appliance.VerbCreate, Kind: appliance.KindNetwork, Name: string(name), To: "10.87.1.0/24"},
			{Verb: appliance.VerbCreate, Kind: appliance.KindVolume, Name: "data", To: name.Project() + "_data"},
			{Verb: appliance.VerbCreate, Kind: appliance.KindRecord, Name: string(host), To: "300 A 192.0.2.7"},
			{Verb: appliance.VerbOpen, Kind: appliance.KindAddress, Name: "https://" + string(host)},
		},
		WayBack: appliance.Note{Code: appliance.BackRemoveApp, Command: "coopkit app remove " + string(name)},
	}.Seal()
	return newApp(name, host, r, req.Settings), p, nil
}

func newApp(name appliance.InstallName, host hostname.Name, r *recipes.Recipe, settings map[string]string) *appliance.App {
	return &appliance.App{
		Install: appliance.Install{
			Name: name, Recipe: r.Name, Wanted: appliance.WantRunning, Release: 1, HasOwner: true,
			Subnet: netip.MustParsePrefix("10.87.1.0/24"), Addresses: []hostname.Name{host}, Settings: settings,
		},
		Title: r.Title["en"], Version: r.Version, State: "running", URL: "https://" + string(host) + ":8443",
		Services: []appliance.ServiceState{{Name: "web", State: "running", Health: "healthy"}},
		Images: map[string]appliance.Image{
			"web": {Ref: "coopkit/" + r.Name + ":" + r.Version, ID: "sha256:4f1e", Source: appliance.FromDebian},
		},
	}
}

// Add implements control.Backend.
func (f fakeApps) Add(ctx context.Context, req appliance.AddApp) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Add"); err != nil {
		return appliance.Job{}, err
	}
	app, p, err := f.planAdd(req)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := p.Agreed(req.PlanHash); err != nil {
		return appliance.Job{}, err
	}
	app.Created = f.now
	return f.start(appliance.ChangeAdd, p.Subject, func() { f.apps[app.Name] = app },
		appliance.StepImages, appliance.StepPlace, appliance.StepReady, appliance.StepOwner, appliance.StepDoor), nil
}

// PlanRemove implements control.Backend.
func (f fakeApps) PlanRemove(ctx context.Context, req appliance.RemoveApp) (appliance.Plan, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "PlanRemove"); err != nil {
		return appliance.Plan{}, err
	}
	return f.planRemove(req)
}

func (f *Fake) planRemove(req appliance.RemoveApp) (appliance.Plan, error) {
	a, err := f.app(req.Name)
	if err != nil {
		return appliance.Plan{}, err
	}
	export, back := []appliance.Line{{Verb: appliance.VerbExport, Kind: appliance.KindData, To: "/var/lib/coopkit/exports"}}, appliance.BackExport
	if req.NoExport {
		export, back = nil, appliance.BackNone
	}
	return appliance.Plan{
		Kind: "remove", Subject: "app:" + req.Name,
		Lines: append(export,
			appliance.Line{Verb: appliance.VerbClose, Kind: appliance.KindAddress, Name: "https://" + string(a.Addresses[0])},
			appliance.Line{Verb: appliance.VerbDelete, Kind: appliance.KindVolume, Name: "data", From: a.Name.Project() + "_data", Destructive: true},
		),
		WayBack: appliance.Note{Code: back},
	}.Seal(), nil
}

// Remove implements control.Backend.
func (f fakeApps) Remove(ctx context.Context, req appliance.RemoveApp) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Remove"); err != nil {
		return appliance.Job{}, err
	}
	p, err := f.planRemove(req)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := p.Agreed(req.PlanHash); err != nil {
		return appliance.Job{}, err
	}
	return f.start(appliance.ChangeRemove, p.Subject, func() { delete(f.apps, appliance.InstallName(req.Name)) },
		appliance.StepExport, appliance.StepContainers), nil
}

// Start implements control.Backend.
func (f fakeApps) Start(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return f.turn(ctx, "Start", appliance.ChangeStart, string(name), "running")
}

// Stop implements control.Backend.
func (f fakeApps) Stop(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return f.turn(ctx, "Stop", appliance.ChangeStop, string(name), "stopped")
}

// Restart implements control.Backend.
func (f fakeApps) Restart(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return f.turn(ctx, "Restart", appliance.ChangeRestart, string(name), "running")
}

func (f *Fake) turn(ctx context.Context, method string, kind appliance.Change, name, state string) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, method); err != nil {
		return appliance.Job{}, err
	}
	a, err := f.app(string(name))
	if err != nil {
		return appliance.Job{}, err
	}
	return f.start(kind, "app:"+name, func() {
		a.State, a.Wanted, a.Services[0].State = state, appliance.Wanted(state), state
	}, appliance.StepStart, appliance.StepReady), nil
}

// Logs implements control.Backend.
func (f fakeApps) Logs(ctx context.Context, req appliance.AppLogs, w io.Writer) error {
	name, service, tail, follow := req.Name, req.Service, req.Tail, req.Follow
	lines, err := f.logLines(ctx, string(name), service)
	if err != nil {
		return err
	}
	if tail > 0 {
		lines = lines[max(0, len(lines)-tail):]
	}
	for _, l := range lines {
		if _, err := io.WriteString(w, l+"\n"); err != nil {
			return err
		}
	}
	if follow {
		return f.wait(ctx, nil)
	}
	return nil
}

func (f *Fake) logLines(ctx context.Context, name, service string) ([]string, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Logs"); err != nil {
		return nil, err
	}
	a, err := f.app(string(name))
	if err != nil {
		return nil, err
	}
	if service != "" && service != a.Services[0].Name {
		return nil, unknown("service-unknown", fmt.Sprintf("%s has no service %q", name, service), "coopkit app show "+name)
	}
	return []string{"web | ready to serve", "web | GET / 200", "web | GET /about 200"}, nil
}

// Signin implements control.Backend.
func (f fakeApps) Signin(ctx context.Context, name appliance.InstallName) (appliance.Signin, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Signin"); err != nil {
		return appliance.Signin{}, err
	}
	a, err := f.app(string(name))
	if err != nil {
		return appliance.Signin{}, err
	}
	return appliance.Signin{URL: a.URL + "/login", User: "steward", Password: "not-a-secret-in-tests"}, nil
}

// MarkSigninShown implements control.Backend.
func (f fakeApps) MarkSigninShown(ctx context.Context, name appliance.InstallName) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "MarkSigninShown"); err != nil {
		return err
	}
	a, err := f.app(string(name))
	if err != nil {
		return err
	}
	if a.SigninShown {
		return fault("signin-shown", problem.Conflict, "the first sign-in of "+string(name)+" was shown already", "coopkit app signin "+string(name))
	}
	a.SigninShown = true
	return nil
}
