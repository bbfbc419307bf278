// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/store"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// reserve is the disk space that an add must leave free.
const reserve = 1 << 30

// addInput is an add as its job records it: checked and complete, but for the
// secrets, which are made when it runs.
type addInput struct {
	Install  appliance.Install
	Images   appliance.ImageSource
	Services []string // in the order in which they start
}

// prepare checks what somebody asked for. Nothing is changed.
func (a *Apps) prepare(ctx context.Context, req appliance.AddApp) (addInput, *recipes.Recipe, error) {
	ctx, cancel := context.WithTimeout(ctx, engine.Answer)
	defer cancel()
	fail := func(err error) (addInput, *recipes.Recipe, error) { return addInput{}, nil, err }
	recipe, err := a.Catalogue.Find(req.Recipe)
	if err != nil {
		return fail(err)
	}
	if req.Name == "" {
		req.Name = recipe.Name
	}
	name, err := appliance.ParseInstallName(req.Name)
	if err != nil {
		return fail(err)
	}
	title, err := appliance.ParseTitle(req.Title)
	if err != nil {
		return fail(err)
	}
	host, err := hostname.Parse(req.Host)
	if err != nil {
		return fail(err)
	}
	settings, err := recipes.CheckSettings(recipe, req.Settings)
	if err != nil {
		return fail(err)
	}
	install := appliance.Install{
		Name: name, Title: cmp.Or(title, recipe.Title["en"]), Recipe: recipe.Name, Wanted: appliance.WantRunning,
		Addresses: hosts(recipe, host), Settings: settings,
		Created: a.Now().UTC().Truncate(time.Millisecond), // as the store keeps it
	}
	if err := a.free(ctx, install, recipe); err != nil {
		return fail(err)
	}
	if install.Subnet, err = a.subnet(ctx); err != nil {
		return fail(err)
	}
	in := addInput{Install: install, Images: req.Images}
	spec, err := a.draft(install, recipe)
	if err != nil {
		return fail(err)
	}
	in.Services, err = startOrder(spec.Services)
	return in, recipe, err
}

// free makes sure that nothing stands in the way of a new install.
func (a *Apps) free(ctx context.Context, in appliance.Install, r *recipes.Recipe) error {
	all, err := a.Store.Installs(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(other appliance.Install) bool { return other.Name == in.Name }) {
		return store.InstallExists(in.Name)
	}
	for _, host := range in.Addresses {
		if held, taken, err := a.Store.Address(ctx, host); err != nil {
			return err
		} else if taken {
			return a.Taken(ctx, held)
		}
	}
	if !slices.Contains(r.Needs.Architectures, runtime.GOARCH) {
		return &problem.Problem{
			Code: "architecture-unsupported", Kind: problem.Conflict,
			What: r.Name + " does not run on this kind of machine (" + runtime.GOARCH + ")",
			Next: []string{"coopkit recipe list", "choose an app that supports " + runtime.GOARCH},
		}
	}
	have, err := a.Engine.Observe(ctx, in.Name)
	if err != nil {
		return err
	}
	if len(have.Foreign) > 0 {
		return have.Foreign[0].Taken()
	}
	if !have.Empty() {
		return leftovers(in.Name)
	}
	return a.roomFor(r)
}

func (a *Apps) roomFor(r *recipes.Recipe) error {
	room, err := a.Room()
	if err != nil {
		return fmt.Errorf("measure free space: %w", err)
	}
	need := uint64(r.Needs.DiskMiB)<<20 + reserve //nolint:gosec // the linter of recipes bounds it
	if room.DiskBytes >= need {
		return nil
	}
	return &problem.Problem{
		Code: "disk-too-small", Kind: problem.Conflict,
		What: fmt.Sprintf("there is not enough free disk space for %s", r.Name),
		Why:  fmt.Sprintf("it needs %d MiB and 1024 MiB to spare, but %d MiB are free", r.Needs.DiskMiB, room.DiskBytes>>20),
		Next: []string{"coopkit doctor", "free some space or add a disk, then try again"},
		Args: map[string]string{"recipe": r.Name, "need_bytes": strconv.FormatInt(int64(r.Needs.DiskMiB)<<20, 10), "free_bytes": strconv.FormatUint(room.DiskBytes, 10)},
	}
}

// leftovers refuses to build on data that nobody recorded: it could be the only
// copy of what members made.
func leftovers(name appliance.InstallName) error {
	return &problem.Problem{
		Code: "data-in-the-way", Kind: problem.Conflict,
		What: "the engine has containers or data of an app named " + string(name) + " that this box has no record of",
		Why:  "an older installation of coopkit, or a lost state folder",
		Next: []string{
			"choose another name with --name",
			"docker volume ls --filter label=coop.coopkit.install=" + string(name),
			"ask your support desk before you remove anything: it may be the only copy",
		},
	}
}

// subnet chooses a free network for a new install.
func (a *Apps) subnet(ctx context.Context) (s netip.Prefix, err error) {
	used, err := a.Engine.UsedSubnets(ctx)
	if err != nil {
		return s, err
	}
	host, err := a.Subnets()
	if err != nil {
		return s, fmt.Errorf("read routes of this machine: %w", err)
	}
	used = append(used, host...)
	all, err := a.Store.Installs(ctx)
	if err != nil {
		return s, err
	}
	for _, in := range all {
		used = append(used, in.Subnet)
	}
	return engine.ChooseSubnet(engine.DefaultPools(), engine.SubnetBits, used)
}

// PlanAdd says what adding an app would do.
func (a *Apps) PlanAdd(ctx context.Context, req appliance.AddApp) (appliance.Plan, error) {
	in, recipe, err := a.prepare(ctx, req)
	if err != nil {
		return appliance.Plan{}, err
	}
	return a.planAdd(ctx, in, recipe)
}

func (a *Apps) planAdd(ctx context.Context, in addInput, recipe *recipes.Recipe) (appliance.Plan, error) {
	install := in.Install
	spec, err := a.draft(install, recipe)
	if err != nil {
		return appliance.Plan{}, err
	}
	plan := appliance.Plan{
		Kind: appliance.ChangeAdd, Subject: subject(install.Name),
		Args:    map[string]string{"recipe": recipe.Name, "version": a.willRun(ctx, recipe, spec, in.Images), "url": a.Door.URL(install.Addresses[0]), "title": install.Title},
		WayBack: appliance.Note{Code: appliance.BackRemoveApp, Command: "coopkit app remove " + string(install.Name)},
		Space:   appliance.Space{Needs: uint64(recipe.Needs.DiskMiB) << 20}, //nolint:gosec // the linter of recipes bounds it
	}
	if plan.Steps, err = a.Jobs.Outline(ctx, appliance.ChangeAdd, in); err != nil {
		return plan, err
	}
	fallback := false
	for _, s := range spec.Services {
		line, either := origin(recipe, s.Service, in.Images)
		plan.Lines, fallback = append(plan.Lines, line), fallback || either
	}
	if fallback {
		plan.Notes = append(plan.Notes, appliance.Note{Code: appliance.NoteBuildFallback})
	}
	steps, err := engine.Plan(spec, engine.Observed{Install: install.Name})
	if err != nil {
		return plan, err
	}
	plan.Lines = append(plan.Lines, a.described(install, steps)...)
	if !recipe.FirstAccount.None {
		plan.Lines = append(plan.Lines, appliance.Line{Verb: appliance.VerbCreate, Kind: appliance.KindAccount})
	}
	for _, host := range install.Addresses {
		lines, notes, err := a.Names.PlanHost(ctx, host, subject(install.Name))
		if err != nil {
			return plan, err
		}
		plan.Lines, plan.Notes = append(plan.Lines, lines...), append(plan.Notes, notes...)
		plan.Lines = append(plan.Lines, appliance.Line{Verb: appliance.VerbOpen, Kind: appliance.KindAddress, Name: a.Door.URL(host)})
	}
	all, err := a.Store.Installs(ctx)
	if err != nil {
		return plan, err
	}
	plan.Notes = append(plan.Notes, a.sameTitle(all, install.Name, install.Title)...)
	need := uint64(recipe.Needs.MemoryMiB) << 20 //nolint:gosec // the linter of recipes bounds it
	if room, err := a.Room(); err == nil {
		plan.Space.Free = room.DiskBytes
		if room.MemoryBytes < need {
			plan.Notes = append(plan.Notes, appliance.Note{Code: appliance.NoteMemoryShort, Args: map[string]string{
				"need_bytes": strconv.FormatUint(need, 10), "free_bytes": strconv.FormatUint(room.MemoryBytes, 10),
			}})
		}
	}
	return plan.Seal(), nil
}

// origin says where the image of a service will come from, and whether it is
// built here if no registry answers.
func origin(r *recipes.Recipe, s recipes.Service, force appliance.ImageSource) (line appliance.Line, fallback bool) {
	if builds(s, force) {
		return appliance.Line{Verb: appliance.VerbBuild, Kind: appliance.KindImage, Name: s.Name}, false
	}
	line = appliance.Line{Verb: appliance.VerbFetch, Kind: appliance.KindImage, Name: s.Name, To: s.Image}
	return line, force != appliance.FromRegistry && r.Images[s.Name].Debian != ""
}

// draft is what an install that is not recorded yet would need of the engine.
// Something stands in for its images, which are not resolved, and its secrets,
// which are not made.
func (a *Apps) draft(in appliance.Install, r *recipes.Recipe) (engine.Spec, error) {
	secrets := map[string]string{}
	for _, s := range r.Secrets {
		secrets[s.Name] = "not made yet"
	}
	project, err := r.Render(a.vars(r, in, secrets))
	if err != nil {
		return engine.Spec{}, err
	}
	images := map[string]appliance.Image{}
	for _, s := range project.Services {
		images[s.Name] = appliance.Image{Ref: s.Image, ID: "sha256:planned"}
	}
	spec := specOf(in, r, project, images)
	_, err = engine.AssignAddresses(spec.Subnet, spec.Services, nil)
	return spec, err
}
