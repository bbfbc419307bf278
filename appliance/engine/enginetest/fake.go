// SPDX-License-Identifier: AGPL-3.0-or-later

// Package enginetest holds what tests need of an engine: one conformance suite
// for every implementation, an in-memory Fake that passes it, and a tiny test
// app as an image. Only tests import it; it knows nothing of what runs inside
// real containers.
package enginetest

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// Fake is an Engine in memory, safe for concurrent use. A container that is
// started runs at once, and is healthy at once if its service has a health
// check; a one-shot service exits 0 at once. Behave and the other knobs change
// that.
type Fake struct {
	mu       sync.Mutex
	installs map[appliance.InstallName]*fakeInstall
	images   []engine.ImageInfo
	behave   map[string]Behaviour
	fail     map[string][]error
	exec     func(appliance.InstallName, engine.Exec) (int, error)
	down     bool
	calls    []Call
	watchers map[chan engine.Event]struct{}
	now      func() time.Time
}

// Call is one call that the Fake got: the method's name and what it was about.
type Call struct {
	Op      string
	Install appliance.InstallName
	Thing   string // service, volume, subnet or image reference
}

// reads are the methods that change nothing; they are not recorded.
var reads = []string{"Info", "Observe", "Installs", "UsedSubnets", "Usage", "VolumeBytes", "Logs", "ReadVolume", "Image", "Images", "Watch"}

// Behaviour is what the containers of a service do when they are started.
type Behaviour struct {
	Health    string // "starting", "unhealthy" …; empty: healthy if the service has a health check
	Exits     bool   // it ends at once, with ExitCode
	ExitCode  int
	OOMKilled bool     // with Exits
	Logs      []string // lines that every start adds
}

type fakeInstall struct {
	subnet     netip.Prefix             // invalid: no network
	volumes    map[string][]byte        // name → tar
	containers map[string]*fakeInstance // by service
	nextID     int
}

// fakeLine is a line of a log.
type fakeLine struct {
	at   time.Time
	text string
}

type fakeInstance struct {
	engine.Container
	service engine.Service
	logs    []fakeLine
	usage   *engine.Usage // nil: the usual
}

var _ engine.Engine = (*Fake)(nil)

// NewFake returns an engine without installs and images.
func NewFake() *Fake {
	return &Fake{
		installs: map[appliance.InstallName]*fakeInstall{},
		behave:   map[string]Behaviour{},
		fail:     map[string][]error{},
		watchers: map[chan engine.Event]struct{}{},
		now:      time.Now,
	}
}

// FailNext makes the next call of the method named op ("StartContainer") return
// err. Called twice, the next two fail.
func (f *Fake) FailNext(op string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail[op] = append(f.fail[op], err)
}

// Behave says what containers of the service do from their next start on.
func (f *Fake) Behave(service string, b Behaviour) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behave[service] = b
}

// SetHealth changes the health of a running container and sends the event.
func (f *Fake) SetHealth(install appliance.InstallName, service, health string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.container(install, service); c != nil {
		c.Health = health
		f.emit(install, service, "health_status: "+health)
	}
}

// Say adds lines to the log of a service that exists, as if it had written them at
// a time.
func (f *Fake) Say(install appliance.InstallName, service string, at time.Time, lines ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.container(install, service); c != nil {
		for _, text := range lines {
			c.logs = append(c.logs, fakeLine{at, text})
		}
	}
}

// Exit ends a running container, as if its process had ended, and sends the
// event. The Fake does not restart it.
func (f *Fake) Exit(install appliance.InstallName, service string, code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.container(install, service); c != nil {
		c.State, c.ExitCode, c.Health = engine.Exited, code, ""
		f.emit(install, service, "die")
	}
}

// OnExec sets what Exec does; without it every command ends with exit code 0.
func (f *Fake) OnExec(do func(appliance.InstallName, engine.Exec) (int, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exec = do
}

// SetVolume sets the tar stream that ReadVolume gives for a volume.
func (f *Fake) SetVolume(install appliance.InstallName, volume string, tar []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at(install).volumes[volume] = tar
}

// AddImage makes the Fake have an image.
func (f *Fake) AddImage(i engine.ImageInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.images = append(f.images, i)
}

// SetDown makes every call fail with "engine-unreachable", and closes every
// watch, until it is called with false.
func (f *Fake) SetDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
	if down {
		for w := range f.watchers {
			close(w)
		}
		clear(f.watchers)
	}
}

// Calls returns the calls so far that can change something, in order.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// begin is the start of every method: it takes the lock, records the call and
// returns the error that it has to give. The caller unlocks in any case.
func (f *Fake) begin(ctx context.Context, op string, install appliance.InstallName, thing string) error {
	f.mu.Lock()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if !slices.Contains(reads, op) {
		f.calls = append(f.calls, Call{op, install, thing})
	}
	if f.down {
		return &problem.Problem{
			Code: "engine-unreachable", Kind: problem.Unavailable,
			What: "the container engine does not answer", Why: "the fake engine is down", Next: []string{"start it"},
		}
	}
	if errs := f.fail[op]; len(errs) > 0 {
		f.fail[op] = errs[1:]
		return errs[0]
	}
	return nil
}

// at returns the install, making it if need be.
func (f *Fake) at(install appliance.InstallName) *fakeInstall {
	in := f.installs[install]
	if in == nil {
		in = &fakeInstall{volumes: map[string][]byte{}, containers: map[string]*fakeInstance{}}
		f.installs[install] = in
	}
	return in
}

func (f *Fake) container(install appliance.InstallName, service string) *fakeInstance {
	if in := f.installs[install]; in != nil {
		return in.containers[service]
	}
	return nil
}

func (f *Fake) emit(install appliance.InstallName, service, action string) {
	for w := range f.watchers {
		select {
		case w <- engine.Event{Install: install, Service: service, Action: action}:
		default: // a reader that does not read misses events, as with a real engine that went away
		}
	}
}

// Info says that it is a fake.
func (f *Fake) Info(ctx context.Context) (engine.Info, error) {
	err := f.begin(ctx, "Info", "", "")
	defer f.mu.Unlock()
	if err != nil {
		return engine.Info{}, err
	}
	return engine.Info{Name: "Fake Engine", Version: "1.0", APIVersion: "1.41", RootDir: "/nonexistent", Arch: "amd64"}, nil
}

// Observe returns what exists of an install.
func (f *Fake) Observe(ctx context.Context, install appliance.InstallName) (engine.Observed, error) {
	err := f.begin(ctx, "Observe", install, "")
	defer f.mu.Unlock()
	if err != nil {
		return engine.Observed{}, err
	}
	out := engine.Observed{Install: install}
	in := f.installs[install]
	if in == nil {
		return out, nil
	}
	if in.subnet.IsValid() {
		out.Network = &engine.Network{ID: "network-" + string(install), Subnet: in.subnet}
	}
	out.Volumes = slices.Sorted(maps.Keys(in.volumes))
	for _, service := range slices.Sorted(maps.Keys(in.containers)) {
		out.Containers = append(out.Containers, in.containers[service].Container)
	}
	return out, nil
}

// Installs names every install of which anything exists.
func (f *Fake) Installs(ctx context.Context) ([]appliance.InstallName, error) {
	err := f.begin(ctx, "Installs", "", "")
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var out []appliance.InstallName
	for name, in := range f.installs {
		if in.subnet.IsValid() || len(in.volumes) > 0 || len(in.containers) > 0 {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// UsedSubnets lists the subnets of all installs.
func (f *Fake) UsedSubnets(ctx context.Context) ([]netip.Prefix, error) {
	err := f.begin(ctx, "UsedSubnets", "", "")
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var out []netip.Prefix
	for _, in := range f.installs {
		if in.subnet.IsValid() {
			out = append(out, in.subnet)
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return out, nil
}

// Watch sends events until ctx ends or the Fake goes down.
func (f *Fake) Watch(ctx context.Context) (<-chan engine.Event, error) {
	err := f.begin(ctx, "Watch", "", "")
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	w := make(chan engine.Event, 256)
	f.watchers[w] = struct{}{}
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, open := f.watchers[w]; open {
			delete(f.watchers, w)
			close(w)
		}
	})
	return w, nil
}

// Close does nothing.
func (f *Fake) Close() error { return nil }

func missing(what string) error { return fmt.Errorf("find %s: no such thing in the fake engine", what) }
