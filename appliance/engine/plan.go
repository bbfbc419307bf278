// SPDX-License-Identifier: AGPL-3.0-or-later

package engine

import (
	"context"
	"slices"

	"coopkit/appliance"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// Step is one thing that a plan does. Steps are data: they can be printed,
// compared and shown before anybody agreed to them. They never print a secret.
type Step interface {
	// Name is a stable slug, unique within the plan, e.g. "create-container-db".
	Name() string
	// Describe is the step as a line of a plan.
	Describe() appliance.Line
	// Do carries it out. It may run again after it ran, in whole or in part.
	Do(ctx context.Context, e Engine, p appliance.Progress) error
}

// Plan returns the steps from what the engine has to what is wanted; none when
// it is so already. It is pure. The order is: stop and remove what cannot
// stay, dependents first; the network; volumes; then create all containers,
// and start them, each after what it depends on. A volume is created once and
// never removed or made anew, whatever the spec says: that takes Teardown. A
// spec that cannot be carried out gives a Problem and no steps.
func Plan(want Spec, have Observed) ([]Step, error) {
	ordered, err := check(want)
	if err != nil {
		return nil, err
	}
	if len(have.Foreign) > 0 {
		return nil, have.Foreign[0].Taken()
	}
	p := &planner{want: want, ordered: ordered, kept: map[string]Container{}, started: map[string]bool{}, waits: map[string]bool{}}
	p.keep(have)
	p.clear(have)
	p.network(have.Network)
	p.volumes(have.Volumes)
	p.create()
	if !want.Stopped {
		p.start()
	}
	return p.steps, nil
}

// Taken is the Problem of a name that an install of this box needs and that
// something else has. Two agents that use one engine and have an install of the
// same name would otherwise put each other's containers away for ever, over the
// same volumes.
func (f Foreign) Taken() error {
	args := map[string]string{"kind": f.Kind, "name": f.Name, "box": f.Box}
	if f.Box == "" {
		return &problem.Problem{
			Code: "engine-name-taken", Kind: problem.Conflict,
			What: "the container engine has a " + f.Kind + " named " + f.Name + " that this box did not make, so nothing was changed",
			Why:  "it does not say whose it is; it may hold the only copy of somebody's data",
			Next: []string{
				"choose another name with --name",
				"docker " + f.Kind + " inspect " + f.Name + ", to see whose it is; rename or remove it only if you know",
			},
			Args: args,
		}
	}
	return &problem.Problem{
		Code: "install-of-another-box", Kind: problem.Conflict,
		What: "another box runs an app of this name on this engine, so nothing was changed",
		Why:  "the " + f.Kind + " " + f.Name + " belongs to the box " + f.Box,
		Next: []string{
			"choose another name with --name",
			"if that box is gone, ask your support desk how to keep its data",
		},
		Args: args,
	}
}

// Creates returns the services whose containers the steps make: their images
// must be in the engine.
func Creates(steps []Step) []Service {
	var out []Service
	for _, s := range steps {
		if c, ok := s.(create); ok {
			out = append(out, c.service)
		}
	}
	return out
}

// Halt returns the steps that stop what runs of an install, latest started
// first, and change nothing else.
func Halt(have Observed) []Step {
	var steps []Step
	for _, c := range latestFirst(have.Containers) {
		if up(c) {
			steps = append(steps, stop{have.Install, c.Service})
		}
	}
	return steps
}

// Teardown returns the steps that remove everything of an install, latest
// started first; its volumes too unless keepVolumes. Images stay, and so does
// what is not this box's.
func Teardown(have Observed, keepVolumes bool) []Step {
	var steps []Step
	for _, c := range latestFirst(have.Containers) {
		steps = append(steps, remove(have.Install, c)...)
	}
	if have.Network != nil {
		steps = append(steps, removeNetwork{have.Install, have.Network.Subnet})
	}
	if keepVolumes {
		return steps
	}
	for _, v := range slices.Sorted(slices.Values(have.Volumes)) {
		steps = append(steps, removeVolume{have.Install, v})
	}
	return steps
}

// planner carries what the parts of Plan share.
type planner struct {
	want    Spec
	ordered []Service
	kept    map[string]Container // containers that stay, by service
	started map[string]bool      // services that the plan starts
	waits   map[string]bool      // names of the waits that the plan has
	steps   []Step
}

func (p *planner) add(s ...Step) { p.steps = append(p.steps, s...) }

// keep finds the containers that are as wanted. None is when the network has
// to be made anew: a container holds on to the network that it was made with.
// The names that it knows are fixed when it is made; for other names alone none
// that runs is made anew, only one that is about to be started.
func (p *planner) keep(have Observed) {
	if have.Network == nil || have.Network.Subnet != p.want.Subnet {
		return
	}
	for _, s := range p.ordered {
		c, ok := find(have, s.Name)
		lost := up(c) && c.Address.IsValid() && c.Address != s.Address
		starts := !p.want.Stopped && !up(c) && !done(s, c)
		if ok && c.ConfigHash == ConfigHash(s) && c.State != Dead && !lost && (!starts || c.Hosts == HostsLine(p.want)) {
			p.kept[s.Name] = c
		}
	}
}

// clear stops and removes what cannot stay, and stops what stays if the
// install is to be stopped: what nobody wants first, then dependents before
// what they depend on. Everything in the way is gone before anything new is
// made, because a new container may get the address of an old one.
func (p *planner) clear(have Observed) {
	byService := map[string]Container{}
	var unwanted []Container
	for _, c := range have.Containers {
		if slices.ContainsFunc(p.ordered, func(s Service) bool { return s.Name == c.Service }) {
			byService[c.Service] = c
		} else {
			unwanted = append(unwanted, c)
		}
	}
	for _, c := range latestFirst(unwanted) {
		p.add(remove(p.want.Install, c)...)
	}
	for _, s := range slices.Backward(p.ordered) {
		c, exists := byService[s.Name]
		_, stays := p.kept[s.Name]
		switch {
		case !exists:
		case !stays:
			p.add(remove(p.want.Install, c)...)
		case p.want.Stopped && up(c):
			p.add(stop{p.want.Install, s.Name})
		}
	}
}

func (p *planner) network(have *Network) {
	if have != nil && have.Subnet == p.want.Subnet {
		return
	}
	if have != nil {
		p.add(removeNetwork{p.want.Install, have.Subnet})
	}
	p.add(createNetwork{p.want.Install, p.want.Subnet})
}

func (p *planner) volumes(have []string) {
	for _, v := range slices.Compact(slices.Sorted(slices.Values(p.want.Volumes))) {
		if !slices.Contains(have, v) {
			p.add(createVolume{p.want.Install, v})
		}
	}
}

func (p *planner) create() {
	for _, s := range p.ordered {
		if _, ok := p.kept[s.Name]; !ok {
			p.add(create{p.want, s})
		}
	}
}

// start starts what does not run, each after its conditions came true, and
// ends by waiting for every service that it started to be what it should be.
func (p *planner) start() {
	for _, s := range p.ordered {
		if c, ok := p.kept[s.Name]; ok && (up(c) || done(s, c)) {
			continue
		}
		for _, d := range s.DependsOn {
			p.wait(d.Service, d.Condition)
		}
		p.add(start{p.want.Install, s.Name})
		p.started[s.Name] = true
	}
	for _, s := range p.ordered {
		if !p.started[s.Name] {
			continue
		}
		switch {
		case s.OneShot:
			p.wait(s.Name, recipes.CompletedSuccessfully)
		case s.Health.Runs():
			p.wait(s.Name, recipes.Healthy)
		}
	}
}

// wait adds a wait for a condition unless it is true already or waited for.
func (p *planner) wait(service string, cond recipes.Condition) {
	if cond == recipes.Started {
		return
	}
	s := p.ordered[slices.IndexFunc(p.ordered, func(s Service) bool { return s.Name == service })]
	if c, stays := p.kept[service]; stays && !p.started[service] && met(s, c, cond) {
		return
	}
	w := wait{p.want.Install, service, cond, limit(s, cond)}
	if !p.waits[w.Name()] {
		p.waits[w.Name()] = true
		p.add(w)
	}
}

// met reports whether a condition is true of a container that was not touched.
func met(s Service, c Container, cond recipes.Condition) bool {
	if cond == recipes.CompletedSuccessfully {
		return done(s, c)
	}
	return c.State == Running && c.Health == "healthy"
}

// up reports whether the engine keeps the container running.
func up(c Container) bool { return c.State == Running || c.State == Restarting }

// done reports whether a one-shot service has done its work.
func done(s Service, c Container) bool {
	return s.OneShot && c.State == Exited && c.ExitCode == 0
}

func latestFirst(cs []Container) []Container {
	return slices.SortedStableFunc(slices.Values(cs), func(a, b Container) int { return b.Started.Compare(a.Started) })
}

func remove(install appliance.InstallName, c Container) []Step {
	var steps []Step
	if up(c) {
		steps = append(steps, stop{install, c.Service})
	}
	return append(steps, removeContainer{install, c.Service})
}
