// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/apps"
	"coopkit/appliance/control"
	"coopkit/appliance/engine"
	"coopkit/appliance/gateway"
	"coopkit/appliance/health"
	"coopkit/appliance/images"
	"coopkit/appliance/jobs"
	"coopkit/appliance/names"
	"coopkit/appliance/sites"
	"coopkit/appliance/store"
	"coopkit/appliance/support"
	"coopkit/recipes"
)

// certificateLimit is how long a job waits for a certificate before it ends
// well without one; the gateway goes on trying.
const certificateLimit = 90 * time.Second

// backend is what the agent does for the CLI, the console and the tests: it
// hands each call to the part that owns it, and joins parts where a change
// needs several.
type backend struct {
	cfg       Config
	started   time.Time
	store     *store.Store
	engine    engine.Engine
	catalogue *recipes.Catalogue
	images    *images.Images
	apps      *apps.Apps
	names     *names.Names
	sites     *sites.Sites
	door      *door
	gateway   *gateway.Gateway
	dns       interface{ Addrs() []string }
	health    *health.Registry
	support   *support.Support
	face      *face // nil: no console
	jobs      *jobs.Runner
	system    system
}

var _ control.Backend = (*backend)(nil)

// register makes the kinds of job known that join several parts.
func (b *backend) register() {
	b.jobs.Register(appliance.ChangePublish, jobs.Typed(b.pushSteps))
	b.jobs.Register(appliance.ChangeRollbackSite, jobs.Typed(b.publishSteps))
	b.jobs.Register(appliance.ChangeRemoveSite, jobs.Typed(b.removeSiteSteps))
	b.jobs.Register(appliance.ChangeAddName, jobs.Typed(b.addZoneSteps))
	b.jobs.Register(appliance.ChangeRemoveName, jobs.Typed(b.removeZoneSteps))
	b.jobs.Register(appliance.ChangeAddRedirect, jobs.Typed(b.addRedirectSteps))
	b.jobs.Register(appliance.ChangeRemoveRedirect, jobs.Typed(b.removeRedirectSteps))
	b.jobs.Register(appliance.ChangeRefreshImages, jobs.Typed(b.refreshSteps))
}

// Status says how the agent is.
func (b *backend) Status(ctx context.Context) (appliance.Status, error) {
	s := appliance.Status{
		Version: buildVersion(), Started: b.started, PID: os.Getpid(), State: b.cfg.State,
		CA: b.gateway.CAFile(), DNS: strings.Join(b.dns.Addrs(), " "), Worst: worst(b.health.Shown()),
	}
	if a := b.gateway.Addrs(); a.HTTPS != nil {
		s.HTTPS = a.HTTPS.String()
		if a.HTTP != nil {
			s.HTTP = a.HTTP.String()
		}
	}
	if b.face != nil {
		s.Console = b.face.listener.Addr().String()
		if s.CA == "" {
			s.CA = b.face.caFile
		}
	}
	info, err := b.engine.Info(ctx)
	if err != nil {
		s.Engine = "does not answer"
		return s, nil //nolint:nilerr // the doctor says why
	}
	s.Engine = info.Name + " " + info.Version
	return s, nil
}

// worst is nil when there is nothing to say: no look yet, and nothing known
// from before the start.
func worst(r appliance.Report) *appliance.Severity {
	if w := r.Worst(); w > appliance.OK || !r.At.IsZero() {
		return &w
	}
	return nil
}

// Doctor looks at everything now.
func (b *backend) Doctor(ctx context.Context) (appliance.Report, error) {
	return b.health.Now(ctx), nil
}

// Week is what the checks found on each of the last seven days.
func (b *backend) Week(ctx context.Context) ([]appliance.Day, error) { return b.health.Week(ctx) }

// Findings is what the checks that run all the time have found.
func (b *backend) Findings(context.Context) (appliance.Report, error) {
	return b.health.Shown(), nil
}

// Recipes lists the catalogue.
func (b *backend) Recipes(context.Context) ([]*recipes.Recipe, error) { return b.catalogue.All(), nil }

// Recipe shows one recipe.
func (b *backend) Recipe(_ context.Context, name string) (*recipes.Recipe, error) {
	return b.catalogue.Find(name)
}

// TestRecipe tries a recipe in a scratch place.
func (b *backend) TestRecipe(ctx context.Context, name string, source appliance.ImageSource) (appliance.Job, error) {
	return b.apps.TestRecipe(ctx, name, source)
}

// RefreshImages builds images anew for which Debian has newer packages.
func (b *backend) RefreshImages(ctx context.Context) (appliance.Job, error) {
	return b.jobs.Start(ctx, appliance.ChangeRefreshImages, "images", struct{}{})
}

func (b *backend) refreshSteps(context.Context, struct{}) ([]jobs.Step, error) {
	return []jobs.Step{{
		Code: appliance.StepRefresh,
		Do: func(ctx context.Context, p appliance.Progress) error {
			done, err := b.images.Refresh(ctx, b.catalogue.All(), p)
			for _, r := range done {
				p.Log(fmt.Sprintf("%s: %d packages newer", strings.TrimSpace(r.Recipe+" "+r.Service), len(r.Packages)))
			}
			if err == nil && len(done) == 0 {
				p.Log("everything is as Debian publishes it")
			}
			return err
		},
	}}, nil
}

// Apps lists the installs.
func (b *backend) Apps(ctx context.Context) ([]appliance.App, error) { return b.apps.List(ctx) }

// App shows one install.
func (b *backend) App(ctx context.Context, name string) (appliance.App, error) {
	return b.apps.Show(ctx, appliance.InstallName(name))
}

// PlanAdd says what adding an app would do.
func (b *backend) PlanAdd(ctx context.Context, req appliance.AddApp) (appliance.Plan, error) {
	return b.apps.PlanAdd(ctx, req)
}

// Add starts adding an app.
func (b *backend) Add(ctx context.Context, req appliance.AddApp) (appliance.Job, error) {
	return b.apps.Add(ctx, req)
}

// PlanRemove says what removing an app would do.
func (b *backend) PlanRemove(ctx context.Context, req appliance.RemoveApp) (appliance.Plan, error) {
	return b.apps.PlanRemove(ctx, req)
}

// Remove starts removing an app.
func (b *backend) Remove(ctx context.Context, req appliance.RemoveApp) (appliance.Job, error) {
	return b.apps.Remove(ctx, req)
}

// Start starts an app.
func (b *backend) Start(ctx context.Context, name string) (appliance.Job, error) {
	return b.apps.Start(ctx, appliance.InstallName(name))
}

// Stop stops an app.
func (b *backend) Stop(ctx context.Context, name string) (appliance.Job, error) {
	return b.apps.Stop(ctx, appliance.InstallName(name))
}

// Restart stops an app and starts it again.
func (b *backend) Restart(ctx context.Context, name string) (appliance.Job, error) {
	return b.apps.Restart(ctx, appliance.InstallName(name))
}

// Logs writes what the services of an app said.
func (b *backend) Logs(ctx context.Context, name, service string, tail int, follow bool, w io.Writer) error {
	return b.apps.Logs(ctx, appliance.InstallName(name), service, tail, follow, w)
}

// Signin says how the owner of an app signs in the first time.
func (b *backend) Signin(ctx context.Context, name string) (appliance.Signin, error) {
	return b.apps.Signin(ctx, appliance.InstallName(name))
}

// MarkSigninShown keeps that the console has shown the first sign-in of an app.
func (b *backend) MarkSigninShown(ctx context.Context, name string) error {
	return b.store.MarkSigninShown(ctx, appliance.InstallName(name))
}

// Jobs lists the newest jobs.
func (b *backend) Jobs(ctx context.Context, limit int) ([]appliance.Job, error) {
	return b.jobs.Jobs(ctx, limit)
}

// Job shows one job.
func (b *backend) Job(ctx context.Context, id appliance.JobID) (appliance.Job, error) {
	return b.jobs.Job(ctx, id)
}

// StopJob has a job go back.
func (b *backend) StopJob(ctx context.Context, id appliance.JobID) error { return b.jobs.Stop(ctx, id) }

// JobEvents follows a job.
func (b *backend) JobEvents(ctx context.Context, id appliance.JobID, after int64, each func(appliance.JobEvent) error) error {
	return b.jobs.Follow(ctx, id, after, each)
}

// Certificates lists the certificates of the front door.
func (b *backend) Certificates(context.Context) ([]appliance.Certificate, error) {
	return b.gateway.Certificates(), nil
}
