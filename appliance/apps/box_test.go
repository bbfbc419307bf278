// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/appliance/jobs"
	"coopkit/appliance/store"
	"coopkit/internal/hostname"
	"coopkit/recipes"
)

// given gives every service the same image, as if it had been fetched.
type given struct{ image appliance.Image }

func (g given) Ensure(context.Context, *recipes.Recipe, string, string, appliance.ImageSource, appliance.Progress) (appliance.Image, error) {
	return g.image, nil
}

// paper keeps records on paper: which owner has which host.
type paper struct {
	mu    sync.Mutex
	hosts map[hostname.Name]string
}

func (p *paper) PlanHost(_ context.Context, host hostname.Name, _ string) ([]appliance.Line, []appliance.Note, error) {
	return []appliance.Line{{Verb: appliance.VerbCreate, Kind: appliance.KindRecord, Name: host.String(), To: "300 A 192.0.2.7"}}, nil, nil
}

func (p *paper) EnsureHost(_ context.Context, host hostname.Name, owner string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hosts[host] = owner
	return nil
}

func (p *paper) RemoveHost(_ context.Context, host hostname.Name, owner string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hosts[host] == owner {
		delete(p.hosts, host)
	}
	return nil
}

func (p *paper) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.hosts)
}

// painted is a door that is only painted on: it counts.
type painted struct{ refreshes atomic.Int64 }

func (d *painted) Refresh(context.Context) error                        { d.refreshes.Add(1); return nil }
func (d *painted) WaitCertificate(context.Context, hostname.Name) error { return nil }
func (d *painted) URL(host hostname.Name) string                        { return "https://" + host.String() + ":8443" }

// box is Apps with everything around it.
type box struct {
	*Apps
	store *store.Store
	paper *paper
	end   func()
}

// setup says what a box is made of.
type setup struct {
	dir      string
	engine   engine.Engine
	image    appliance.Image
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	boundary func(kind appliance.Change, step, phase string)
	room     Room
	paper    *paper             // nil: an empty one
	recipes  *recipes.Catalogue // nil: those of testdata
}

func openBox(ctx context.Context, s setup) (*box, error) {
	db, err := store.Open(ctx, filepath.Join(s.dir, "db"))
	if err != nil {
		return nil, err
	}
	if s.recipes == nil {
		if s.recipes, err = recipes.LoadCatalogue(os.DirFS("testdata"), "catalogue"); err != nil {
			return nil, err
		}
	}
	log := slog.New(slog.DiscardHandler)
	runner := jobs.New(jobs.Deps{Journal: db, Log: log, Boundary: s.boundary})
	if s.room == (Room{}) {
		s.room = Room{DiskBytes: 1 << 40, MemoryBytes: 1 << 40}
	}
	if s.paper == nil {
		s.paper = &paper{hosts: map[hostname.Name]string{}}
	}
	b := &box{store: db, paper: s.paper}
	b.Apps = New(Deps{
		Engine: s.engine, Store: db, Catalogue: s.recipes, Images: given{s.image}, Names: b.paper, Door: &painted{},
		Jobs: runner, Log: log, Now: time.Now, Dial: s.dial, Exports: filepath.Join(s.dir, "exports"), Timezone: "UTC",
		Room:    func() (Room, error) { return s.room, nil },
		Subnets: func() ([]netip.Prefix, error) { return nil, nil },
	})
	running, cancel := context.WithCancel(ctx)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- runner.Run(running, ready) }()
	<-ready
	b.end = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, db.Close()); err != nil {
			panic(err)
		}
	})
	return b, nil
}

// fakeBox is a box on the fake engine, whose services all answer as h does, and
// name the owner once the account was made.
func fakeBox(t *testing.T, h http.Handler) (*box, *enginetest.Fake) {
	t.Helper()
	return fakeBoxWith(t, h, nil)
}

// fakeBoxWith is a fakeBox whose jobs call boundary.
func fakeBoxWith(t *testing.T, h http.Handler, boundary func(kind appliance.Change, step, phase string)) (*box, *enginetest.Fake) {
	t.Helper()
	var owned atomic.Bool
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		if owned.Load() {
			_, _ = w.Write([]byte("steward"))
		}
	}))
	t.Cleanup(app.Close)
	fake := enginetest.NewFake()
	fake.AddImage(engine.ImageInfo{ID: "sha256:echo", Tags: []string{"echo"}})
	fake.OnExec(func(_ appliance.InstallName, cmd engine.Exec) (int, error) {
		owned.Store(cmd.Command[1] == "copy")
		return 0, nil
	})
	b, err := openBox(t.Context(), setup{
		dir: t.TempDir(), engine: fake, boundary: boundary, image: appliance.Image{Ref: "echo", ID: "sha256:echo", Source: appliance.FromBundle},
		dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, app.Listener.Addr().String())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.end)
	return b, fake
}

var fine = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })

// follow waits for a job and returns how it ended.
func (b *box) follow(t *testing.T, job appliance.Job, err error) appliance.Job {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.Jobs.Follow(ctx, job.ID, 0, func(ev appliance.JobEvent) error {
		t.Log(ev.Step, ev.State, ev.Text, ev.End)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	job, err = b.store.Job(ctx, job.ID)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

var echo = appliance.AddApp{Recipe: "echo", Host: "echo.demo.coop"}

// nothingLeft fails the test when a trace of the install is left.
func (b *box) nothingLeft(t *testing.T, name appliance.InstallName) {
	t.Helper()
	have, err := b.Engine.Observe(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if have.Network != nil || len(have.Volumes)+len(have.Containers) > 0 {
		t.Errorf("left in the engine: %+v", have)
	}
	installs, err := b.store.Installs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := b.store.Addresses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(installs)+len(addresses)+b.paper.count() > 0 {
		t.Errorf("left on record: %v %v, and %d names", installs, addresses, b.paper.count())
	}
}

func (b *box) observe(t *testing.T, name appliance.InstallName) engine.Observed {
	t.Helper()
	have, err := b.Engine.Observe(t.Context(), name)
	if err != nil {
		t.Log(err)
	}
	return have
}
