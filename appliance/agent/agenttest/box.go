// SPDX-License-Identifier: AGPL-3.0-or-later

// Package agenttest owns Box, a whole agent in a temporary folder over the
// engine in memory, for tests of whatever talks to one: control, the CLI, the
// console. All parts are the real ones; only what is around them is made up, and
// single answers on a test's wish. Tests alone import it; they are its tests.
package agenttest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/agent"
	"coopkit/appliance/apps"
	"coopkit/appliance/control"
	"coopkit/appliance/engine/enginetest"
	"coopkit/appliance/health"
	"coopkit/appliance/names"
	"coopkit/appliance/notify"
	"coopkit/appliance/store"
	"coopkit/dns"
	"coopkit/recipes"
)

// Began is what the clock of a Box says when it starts; it goes on from there.
var Began = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// Address is where the names of a Box lead.
const Address = "192.0.2.7"

// Box is an agent that serves the zone demo.coop and has no apps. A request
// that starts a change is answered when the change has ended, unless Hold was
// called. It is safe for concurrent use.
type Box struct {
	Engine *enginetest.Fake
	Socket string

	agent control.Agent
	gate  gate
	shop  *shop

	mu        sync.Mutex
	answers   map[string]answer   // by request
	servers   map[string][]string // name servers that the world knows, by zone
	following int
	people    []notify.Person
	stop      func() error
}

// New starts a Box; it ends with the test.
func New(tb testing.TB) *Box {
	tb.Helper()
	b, err := Start()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := b.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return b
}

// Start starts a Box. The caller stops it.
func Start() (_ *Box, err error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	b := &Box{
		Engine: enginetest.NewFake(), Socket: filepath.Join(dir, "s"),
		answers: map[string]answer{}, servers: map[string][]string{},
	}
	b.shop = newShop(b.Engine)
	if err := seed(filepath.Join(dir, "state")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	began := time.Now()
	a, err := agent.New(context.Background(), agent.Config{
		State: filepath.Join(dir, "state"), Socket: b.Socket,
		HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", PublicHTTPSPort: 8443, DNS: []string{"127.0.0.1:0"},
		PublicAddresses: []string{Address}, Issuer: "local", ACMEChallenge: "http",
		Outside: agent.Outside{
			Engine: b.Engine, Images: b.shop, Dial: b.shop.dial, Boundary: b.gate.pass,
			Room:    func() (apps.Room, error) { return apps.Room{DiskBytes: 1 << 40, MemoryBytes: 1 << 40}, nil },
			Subnets: func() ([]netip.Prefix, error) { return nil, nil },
			LookUp:  func(context.Context, string) ([]netip.Addr, error) { return nil, nil },
			People:  b.accounts, Reach: (&net.Dialer{}).DialContext,
			LookUpNS: b.lookUpNS, Intercept: b.intercept, Checks: []health.Check{},
			Now: func() time.Time { return Began.Add(time.Since(began)) },
		},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := b.run(a, dir); err != nil {
		return nil, err
	}
	b.quiet()
	return b, nil
}

// Welcome gives people accounts, whose names they are; they read English, and
// their IDs count from 1.
func (b *Box) Welcome(names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		b.people = append(b.people, notify.Person{ID: strconv.Itoa(len(b.people) + 1), Name: name, Display: strings.ToUpper(name[:1]) + name[1:], Language: "en"})
	}
}

func (b *Box) accounts(context.Context) ([]notify.Person, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.people), nil
}

// folder is where a Box keeps everything: in memory where there is such a
// place, because a journal waits for the disk at each step.
func folder() (string, error) {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		if dir, err := os.MkdirTemp(memory, "ck"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "ck")
}

// run runs the agent until Stop, and waits until it answers.
func (b *Box) run(a *agent.Agent, dir string) error {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	b.agent = control.NewClient(b.Socket)
	b.stop = sync.OnceValue(func() error {
		b.gate.release()
		cancel()
		b.shop.server.Close()
		return errors.Join(<-ended, a.Close(), os.RemoveAll(dir))
	})
	for {
		if _, err := b.agent.Box.Status(ctx); err == nil {
			return nil
		}
		select {
		case err := <-ended:
			ended <- nil
			return errors.Join(err, b.Stop())
		case <-time.After(time.Millisecond):
		}
	}
}

// quiet makes the Box one on a machine of its own, with nothing to find.
func (b *Box) quiet() {
	b.Find()
	b.Reach(appliance.ReachOpen, "")
	b.Answer("GET /v1/host", appliance.Host{
		Name: "box", System: "Debian 12", Kernel: "6.1.0-41-amd64", Arch: "amd64", CPUs: 2,
		UptimeS: 12 * 24 * 3600, Load: 0.21, MemoryBytes: 4 << 30, MemoryUsed: 1 << 30, DiskBytes: 80 << 30, DiskUsed: 23 << 30,
	})
}

// seed makes the records of a box that has a name and serves a zone. They are
// made once and copied: most of a start is making tables.
func seed(state string) error {
	data, err := records()
	if err != nil {
		return err
	}
	return errors.Join(os.Mkdir(state, 0o750), os.WriteFile(filepath.Join(state, database), data, 0o600))
}

const database = "coopkit.db"

var records = sync.OnceValues(func() (_ []byte, err error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, path := context.Background(), filepath.Join(dir, database)
	db, err := store.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	z := dns.NewZone("demo.coop", Began)
	if err := errors.Join(
		db.SaveSettings(ctx, map[string]string{"coop": "Demo Co-op", "box": "box", "language": "en"}),
		db.ReplaceZone(ctx, names.StoredZone{
			Name: z.Name, Serial: z.Serial, TTL: z.TTL, NS: z.NS, Primary: z.SOA.Primary, Mailbox: z.SOA.Mailbox,
			Refresh: z.SOA.Refresh, Retry: z.SOA.Retry, Expire: z.SOA.Expire, Minimum: z.SOA.Minimum,
			Records: []appliance.Record{{Name: z.NS[0], Type: "A", TTL: z.TTL, Data: Address, Owner: names.OwnerZone}},
		}),
		db.Close(),
	); err != nil {
		return nil, err
	}
	return os.ReadFile(path) //nolint:gosec // in a folder of the test
})

// Stop ends the agent and removes its folder; it may be called more than once.
func (b *Box) Stop() error { return b.stop() }

// Agent is the agent, through its socket.
func (b *Box) Agent() control.Agent { return b.agent }

// Add adds an app whose required questions have answers, and fails the test if
// that does not end well.
func (b *Box) Add(tb testing.TB, recipe, host string) {
	tb.Helper()
	b.AddCalled(tb, "", recipe, host)
}

// AddCalled is Add with an everyday name.
func (b *Box) AddCalled(tb testing.TB, title, recipe, host string) {
	tb.Helper()
	job, err := b.agent.Apps.Add(tb.Context(), appliance.AddApp{Recipe: recipe, Title: title, Host: host, Settings: Answers(tb, recipe)})
	if err == nil {
		job, err = b.agent.Jobs.Job(tb.Context(), job.ID)
	}
	if err != nil || job.State != appliance.JobDone && !b.gate.held() {
		tb.Fatalf("add %s: %v, %+v", recipe, err, job)
	}
}

// PushSite sends a site and publishes it.
func PushSite(ctx context.Context, sites control.Sites, host string, archive io.Reader) (appliance.Job, error) {
	d, err := sites.Receive(ctx, "test", archive)
	if err != nil {
		return appliance.Job{}, err
	}
	return sites.Push(ctx, appliance.PushSite{Host: host, Draft: d.ID})
}

// Answers are answers to the questions of a recipe that must have one.
func Answers(tb testing.TB, recipe string) map[string]string {
	tb.Helper()
	r, err := recipes.Embedded().Find(recipe)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]string{}
	for _, s := range r.Settings {
		if s.Required && s.Default == "" {
			out[s.Name] = "steward@demo.coop"
		}
	}
	return out
}

// Delegate makes these the name servers that the world is sent to for a zone;
// without it there are none.
func (b *Box) Delegate(zone string, servers ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers[zone] = servers
}

func (b *Box) lookUpNS(_ context.Context, zone string) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.servers[zone], nil
}

// Hold makes changes wait after the next step that they do, until Release or
// until one is stopped.
func (b *Box) Hold() { b.gate.hold() }

// Release lets changes go on.
func (b *Box) Release() { b.gate.release() }

// Following tells how many callers wait for events of changes, or for what apps
// say.
func (b *Box) Following() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.following
}

// FailImages makes the programs of apps nowhere to be had, for that reason; nil
// makes them come again.
func (b *Box) FailImages(err error) { b.shop.failWith(err) }
