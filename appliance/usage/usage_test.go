// SPDX-License-Identifier: AGPL-3.0-or-later

package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// place is a place in a ring, as the store has it.
type place struct {
	span appliance.UsageSpan
	at   int64
}

// memory is a Store in memory, with the same places as the real one.
type memory struct {
	mu    sync.Mutex
	apps  map[appliance.InstallName]time.Time
	slots map[place]appliance.UsageSlot
	saves int
	err   error
}

func (m *memory) UsageApps(context.Context) (map[appliance.InstallName]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.apps), nil
}

func (m *memory) SaveUsage(_ context.Context, slots []appliance.UsageSlot) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.saves++
	for _, s := range slots {
		at := s.Begins.Unix() / int64(s.Span.Slot().Seconds())
		m.slots[place{s.Span, mod(at, int64(s.Span.Slots()))}] = s
	}
	return nil
}

func (m *memory) Usage(context.Context) (out []appliance.UsageSlot, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.slots {
		out = append(out, s)
	}
	return out, nil
}

// rig is Usage over made-up figures.
type rig struct {
	*Usage
	store   *memory
	mu      sync.Mutex
	box     Box
	running []engine.Usage
	data    uint64
	err     error // of the engine
	shift   time.Duration
}

// fake is the rig as an engine.
type fake struct{ *rig }

func (f fake) Usage(context.Context) ([]engine.Usage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]engine.Usage(nil), f.running...), f.err
}

func (f fake) VolumeBytes(_ context.Context, app appliance.InstallName, volume string) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if volume != "data" {
		return 0, fmt.Errorf("no volume %s of %s", volume, app)
	}
	return f.data, f.err
}

func newRig(store *memory) *rig {
	r := &rig{store: store, data: 5e9}
	r.Usage = r.open()
	return r
}

// open makes a Usage over the same store, as after a restart.
func (r *rig) open() *Usage {
	return New(Deps{
		Engine: fake{r}, Store: r.store, Processors: 2, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return time.Now().Add(r.shift) },
		Box: func(context.Context) (Box, error) { r.mu.Lock(); defer r.mu.Unlock(); return r.box, nil },
		Spec: func(_ context.Context, app appliance.InstallName) (engine.Spec, error) {
			if app != "wiki" {
				return engine.Spec{}, &problem.Problem{Code: "app-unknown", Kind: problem.NotFound, What: "no such app"}
			}
			return engine.Spec{Volumes: []string{"data"}, Services: []engine.Service{
				{Service: recipes.Service{Name: "web", MemoryBytes: 3e8}},
				{Service: recipes.Service{Name: "db", MemoryBytes: 2e8}},
				{Service: recipes.Service{Name: "once", OneShot: true}},
			}}, nil
		},
	})
}

func newMemory(apps ...appliance.InstallName) *memory {
	m := &memory{apps: map[appliance.InstallName]time.Time{}, slots: map[place]appliance.UsageSlot{}}
	for _, name := range apps {
		m.apps[name] = time.Unix(1, 0)
	}
	return m
}

// use makes the wiki use so much memory and so many thousandths of one processor
// from now on, as seen by the next sample.
func (r *rig) use(memoryBytes uint64, processor time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = []engine.Usage{
		{Install: "wiki", Service: "web", Container: "w1", MemoryBytes: memoryBytes / 2, Processor: processor},
		{Install: "wiki", Service: "db", Container: "d1", MemoryBytes: memoryBytes / 2, Processor: processor},
		{Install: "gone", Service: "db", Container: "x", MemoryBytes: 1, Processor: processor}, // being removed
	}
}

func (r *rig) ask(t *testing.T, app appliance.InstallName, span appliance.UsageSpan) appliance.Usage {
	t.Helper()
	u, err := r.Usage.Usage(t.Context(), appliance.AskUsage{App: app, Span: span})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// run runs Usage until the function that it returns is called.
func run(t *testing.T, u *Usage) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- u.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func near(got *float64, want float64) bool { return got != nil && math.Abs(*got-want) < 0.01*want+1e-9 }

func TestRun_measuresBoxAndApps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(newMemory("wiki", "idle"))
		r.box = Box{MemoryUsed: 1e9, MemoryBytes: 4e9, DiskUsed: 4e10, DiskBytes: 1e11, Busy: time.Minute, All: time.Hour}
		r.use(4e8, time.Second)
		stop := run(t, r.Usage)
		defer stop()
		synctest.Wait()
		if now := r.Now("wiki"); !near(now.MemoryBytes, 4e8) || now.Processor != nil || now.DiskBytes != nil {
			t.Errorf("after one sample: %+v", now)
		}
		time.Sleep(sampleEvery / 2) //nolint:forbidigo // the clock of synctest; from now on between two samples
		for i := range 20 {         // ten minutes
			r.mu.Lock()
			r.box.Busy, r.box.All = r.box.Busy+6*time.Second, r.box.All+60*time.Second
			r.mu.Unlock()
			r.use(4e8, time.Second+time.Duration(i+1)*3*time.Second) // two services, each a tenth of one of two processors
			time.Sleep(sampleEvery)                                  //nolint:forbidigo // the clock of synctest
		}
		synctest.Wait()
		wiki := r.ask(t, "wiki", appliance.LastHour)
		if !near(wiki.Memory.Now, 4e8) || !near(wiki.Processor.Now, 0.1) || !near(wiki.Disk.Now, 5e9) || wiki.Memory.Whole != 5e8 {
			t.Errorf("the wiki: %+v", wiki)
		}
		if n := len(wiki.Memory.Points); n != 10 {
			t.Errorf("%d minutes of ten", n)
		}
		box := r.ask(t, "", appliance.LastHour)
		if !near(box.Memory.Now, 1e9) || !near(box.Processor.Now, 0.1) || !near(box.Disk.Now, 4e10) || box.Memory.Whole != 4e9 || box.Disk.Whole != 1e11 {
			t.Errorf("the box: %+v", box)
		}
		if idle := r.Now("idle"); !near(idle.MemoryBytes, 0) || !near(idle.Processor, 0) {
			t.Errorf("what does not run uses %+v", idle)
		}
		if now := r.Now("gone"); now.MemoryBytes != nil {
			t.Errorf("what is no install is measured: %+v", now)
		}
	})
}

func TestUsage_saysWhatIsUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(newMemory("wiki"))
	for code, ask := range map[string]appliance.AskUsage{"app-unknown": {App: "none"}, "usage-span-unknown": {Span: "year"}} {
		if _, err := r.Usage.Usage(t.Context(), ask); !errors.Is(err, &problem.Problem{Code: code}) {
			t.Errorf("%+v: %v", ask, err)
		}
	}
	if u := r.ask(t, "", ""); u.Span != appliance.LastDay || len(u.Memory.Points) != 0 || u.Memory.Now != nil {
		t.Errorf("before the first sample: %+v", u)
	}
}

func TestSample_gapsStayGaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(newMemory("wiki"))
		r.use(4e8, time.Second)
		defer run(t, r.Usage)()
		time.Sleep(10 * time.Minute) //nolint:forbidigo // the clock of synctest
		r.mu.Lock()
		r.err = errors.New("the engine is away")
		r.mu.Unlock()
		time.Sleep(10 * time.Minute) //nolint:forbidigo // the clock of synctest
		if now := r.Now("wiki"); now.MemoryBytes != nil || now.Processor != nil {
			t.Errorf("while the engine is away: %+v", now)
		}
		r.mu.Lock()
		r.err = nil
		r.mu.Unlock()
		r.use(4e8, 20*time.Minute)   // what it worked meanwhile is not that of one sample
		time.Sleep(10 * time.Minute) //nolint:forbidigo // the clock of synctest
		wiki := r.ask(t, "wiki", appliance.LastHour)
		widest := time.Duration(0)
		for i, p := range wiki.Memory.Points[1:] {
			widest = max(widest, p.At.Sub(wiki.Memory.Points[i].At))
		}
		if n := len(wiki.Memory.Points); n < 19 || n > 21 || widest < 10*time.Minute || widest > 12*time.Minute {
			t.Errorf("%d points, the widest gap is %s", n, widest)
		}
		if most := wiki.Processor.Most(); most > 0.01 {
			t.Errorf("the gap made it use %.0f %% of the processors", most*100)
		}
		if n := len(r.ask(t, "", appliance.LastHour).Memory.Points); n < 29 {
			t.Errorf("the box has %d points, though the engine alone was away", n)
		}
	})
}

func TestCollect_restartsOfContainers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(newMemory("wiki"))
		r.use(4e8, time.Hour)
		r.sample(t.Context())
		for _, total := range []time.Duration{3 * time.Second, 9 * time.Second, 3 * time.Second} { // each time it began at 0, or went on
			time.Sleep(sampleEvery) //nolint:forbidigo // the clock of synctest
			r.use(4e8, total)
			r.sample(t.Context())
			if share := r.Now("wiki").Processor; share == nil || *share < 0.09 || *share > 0.21 {
				t.Errorf("at %s: %v", total, share)
			}
		}
	})
}

func TestRun_survivesKillAndRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory("wiki")
		r := newRig(store)
		r.use(4e8, time.Second)
		stop := run(t, r.Usage)
		time.Sleep(5 * time.Hour) //nolint:forbidigo // the clock of synctest
		before := r.ask(t, "wiki", appliance.LastDay)
		killed := newMemory("wiki") // what is on disk at this moment, without the end that Run makes
		store.mu.Lock()
		maps.Copy(killed.slots, store.slots)
		store.mu.Unlock()
		stop()
		again := newRig(killed)
		if err := again.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for span, lost := range map[appliance.UsageSpan]int{appliance.LastHour: 6, appliance.LastDay: 1, appliance.LastMonth: 0} {
			was, is := r.ask(t, "wiki", span).Memory.Points, again.ask(t, "wiki", span).Memory.Points
			if len(is) < len(was)-lost || len(is) == 0 {
				t.Errorf("%s: %d points before, %d after the kill", span, len(was), len(is))
			}
		}
		if len(before.Memory.Points) < 29 {
			t.Errorf("%d ten minutes in five hours", len(before.Memory.Points))
		}
	})
}

func TestRun_anotherAppOfTheNameBeginsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(newMemory("wiki"))
		r.use(4e8, time.Second)
		defer run(t, r.Usage)()
		time.Sleep(10 * time.Minute) //nolint:forbidigo // the clock of synctest
		r.store.mu.Lock()
		r.store.apps["wiki"] = time.Unix(99, 0)
		r.store.mu.Unlock()
		time.Sleep(2 * time.Minute) //nolint:forbidigo // the clock of synctest
		if n := len(r.ask(t, "wiki", appliance.LastHour).Memory.Points); n > 2 {
			t.Errorf("it has %d minutes of the one before", n)
		}
		r.store.mu.Lock()
		delete(r.store.apps, "wiki")
		r.store.mu.Unlock()
		time.Sleep(time.Minute) //nolint:forbidigo // the clock of synctest
		if now := r.Now("wiki"); now.MemoryBytes != nil {
			t.Errorf("removed, it uses %+v", now)
		}
	})
}

func TestSave_isTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(newMemory("wiki"))
		r.use(4e8, time.Second)
		r.store.err = errors.New("the disk is full")
		defer run(t, r.Usage)()
		time.Sleep(30 * time.Minute) //nolint:forbidigo // the clock of synctest
		r.store.mu.Lock()
		r.store.err = nil
		r.store.mu.Unlock()
		time.Sleep(saveEvery + time.Minute) //nolint:forbidigo // the clock of synctest
		r.store.mu.Lock()
		defer r.store.mu.Unlock()
		if n := len(r.store.slots); n < 30 {
			t.Errorf("%d slots of 30 minutes were saved", n)
		}
	})
}
