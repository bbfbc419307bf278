// SPDX-License-Identifier: AGPL-3.0-or-later

// Package apps owns the life of installs: adding, starting, stopping and
// removing an app, exporting its data, trying a recipe in a scratch place, and
// keeping the engine as the store says (reconcile). It joins recipes, images,
// the engine, names and the front door, and knows nothing of Docker, SQL or
// HTTP listeners. Its tests run on the fake engine and on a real one, and kill
// a real process at every step of an add.
package apps

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/jobs"
	"coopkit/appliance/store"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// Images finds or builds the image of a service.
type Images interface {
	Ensure(ctx context.Context, r *recipes.Recipe, service, composeImage string, force appliance.ImageSource, p appliance.Progress) (appliance.Image, error)
}

// DebianVersions knows which version of a program Debian's packages gave, where
// an image is built of them: "6.1.9", or empty when it is not known.
type DebianVersions interface {
	DebianVersion(recipe string, image appliance.Image) string
	// BuiltVersion is that of the image that is here already for a service.
	BuiltVersion(ctx context.Context, r *recipes.Recipe, service string) string
}

// Names manages the DNS records of this box. Owners are "app:<install>".
type Names interface {
	PlanHost(ctx context.Context, host hostname.Name, owner string) ([]appliance.Line, []appliance.Note, error)
	EnsureHost(ctx context.Context, host hostname.Name, owner string) error
	RemoveHost(ctx context.Context, host hostname.Name, owner string) error
}

// Door is the front door: it computes its routes from the store.
type Door interface {
	// Refresh puts the routes in force that the store asks for.
	Refresh(ctx context.Context) error
	// WaitCertificate waits until host has a certificate.
	WaitCertificate(ctx context.Context, host hostname.Name) error
	// URL is where visitors reach host, without a final slash.
	URL(host hostname.Name) string
}

// Room is what is free on the box.
type Room struct {
	DiskBytes   uint64 // where the engine keeps volumes
	MemoryBytes uint64
}

// Deps is what Apps needs. All fields but Debian, Dial and Usage are required.
type Deps struct {
	Engine    engine.Engine
	Store     *store.Store
	Catalogue *recipes.Catalogue
	Images    Images
	Debian    DebianVersions // nil: nobody knows
	Names     Names
	Door      Door
	Jobs      *jobs.Runner
	Log       *slog.Logger
	Now       func() time.Time
	Room      func() (Room, error)
	Subnets   func() ([]netip.Prefix, error) // of the host and what it routes
	Exports   string                         // folder for final exports, and for copies to download
	Timezone  string
	Version   string                                                            // of this program
	Dial      func(ctx context.Context, network, addr string) (net.Conn, error) // to services; nil: as usual
	Usage     func(appliance.InstallName) appliance.UsageNow                    // what an install uses; nil: nobody measures
}

// Apps is the life of installs. It is safe for concurrent use.
type Apps struct {
	Deps
	wake   chan struct{} // asks the reconcile loop to look now
	shelf  shelf
	ranOut ranOut
	word   func() string // see checkWord
}

// New makes Apps and registers its kinds of job.
func New(d Deps) *Apps {
	a := &Apps{Deps: d, wake: make(chan struct{}, 1)}
	a.word = sync.OnceValue(a.checkWord)
	register(d.Jobs, appliance.ChangeAdd, a.addSteps)
	register(d.Jobs, appliance.ChangeRecipeTest, a.testSteps)
	register(d.Jobs, appliance.ChangeRemove, a.removeSteps)
	register(d.Jobs, appliance.ChangeExport, a.exportSteps)
	register(d.Jobs, appliance.ChangeStart, a.startSteps)
	register(d.Jobs, appliance.ChangeStop, a.stopSteps)
	register(d.Jobs, appliance.ChangeRestart, a.restartSteps)
	register(d.Jobs, appliance.ChangeRetitle, a.retitleSteps)
	register(d.Jobs, appliance.ChangeShowSignin, a.showSigninSteps)
	return a
}

// register decodes a job's input for a typed builder.
func register[T any](r *jobs.Runner, kind appliance.Change, build func(ctx context.Context, in T) ([]jobs.Step, error)) {
	r.Register(kind, jobs.Typed(build))
}

// subject is what jobs and records of an install are named after.
func subject(name appliance.InstallName) string { return "app:" + string(name) }

// place makes the network and the volumes of a new install. Building images can
// take minutes, in which somebody else may have taken the subnet: then the
// install gets another.
func (a *Apps) place(ctx context.Context, name appliance.InstallName, p appliance.Progress) error {
	err := a.placeOnce(ctx, name, p)
	for range subnetTries {
		if !errors.Is(err, &problem.Problem{Code: "subnet-taken"}) {
			break
		}
		subnet, chooseErr := a.subnet(ctx)
		if chooseErr != nil {
			return chooseErr
		}
		p.Log("its network range was taken meanwhile; using " + subnet.String())
		if err := a.Store.SetSubnet(ctx, name, subnet); err != nil {
			return err
		}
		err = a.placeOnce(ctx, name, p)
	}
	return err
}

// subnetTries is how often an add looks for another subnet.
const subnetTries = 5

func (a *Apps) placeOnce(ctx context.Context, name appliance.InstallName, p appliance.Progress) error {
	r, err := a.newest(ctx, name)
	if err != nil {
		return err
	}
	spec := r.spec
	spec.Services = nil
	have, err := a.Engine.Observe(ctx, name)
	if err != nil {
		return err
	}
	steps, err := engine.Plan(spec, have)
	if err != nil {
		return err
	}
	if len(spec.Volumes) > 0 {
		jobs.AddFact(ctx, appliance.FactPlace, "volumes", strings.Join(spec.Volumes, ", "))
	}
	return engine.Apply(ctx, a.Engine, steps, p)
}

// teardown removes everything that this box has of an install, its data too.
func (a *Apps) teardown(ctx context.Context, name appliance.InstallName, p appliance.Progress) error {
	have, err := a.Engine.Observe(ctx, name)
	if err != nil {
		return err
	}
	steps := engine.Teardown(have, false)
	jobs.AddFact(ctx, appliance.FactGone, "parts_count", strconv.Itoa(len(steps)))
	return engine.Apply(ctx, a.Engine, steps, p)
}
