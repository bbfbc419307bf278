// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/appliance/jobs/jobstest"
	"coopkit/internal/hostname"
)

// TestJobs_surviveEverything ends and breaks every kind of job about apps at
// every point. The engine, the names and the exports outlive the process.
func TestJobs_surviveEverything(t *testing.T) {
	t.Parallel()
	add := jobstest.With(func(ctx context.Context, b *box) (appliance.Job, error) { return b.Add(ctx, echo) })
	stop := jobstest.With(func(ctx context.Context, b *box) (appliance.Job, error) { return b.Stop(ctx, "echo") })
	remove := func(noExport bool) jobstest.Start {
		return jobstest.With(func(ctx context.Context, b *box) (appliance.Job, error) {
			return b.Remove(ctx, appliance.RemoveApp{Name: "echo", NoExport: noExport})
		})
	}
	export := jobstest.With(func(ctx context.Context, b *box) (appliance.Job, error) {
		return b.Export(ctx, appliance.ExportApp{Name: "echo"})
	})
	fill := jobstest.With(func(_ context.Context, b *box) (appliance.Job, error) {
		b.Engine.(*enginetest.Fake).SetVolume("echo", "data", []byte("what members made"))
		return appliance.Job{}, nil
	})
	try := jobstest.With(func(ctx context.Context, b *box) (appliance.Job, error) {
		return b.TestRecipe(ctx, "echo", "")
	})
	kinds := []jobstest.Kind{{Name: "try a recipe", World: func(t *testing.T) jobstest.World {
		t.Helper()
		w := newWorld(t)
		return jobstest.World{Open: w.open, State: w.state, Change: try, NoTrace: true}
	}}}
	for _, c := range []struct {
		name   string
		before []jobstest.Start
		change jobstest.Start
	}{
		{"add", nil, add},
		{"remove", []jobstest.Start{add, fill}, remove(false)},
		{"remove without an export", []jobstest.Start{add, fill}, remove(true)},
		{"remove what is stopped", []jobstest.Start{add, fill, stop}, remove(false)},
		{"export", []jobstest.Start{add, fill}, export},
		{"export what is stopped", []jobstest.Start{add, fill, stop}, export},
		{"stop", []jobstest.Start{add, fill}, stop},
		{"retitle", []jobstest.Start{add}, jobstest.With(func(ctx context.Context, b *box) (appliance.Job, error) {
			return b.startRetitle(ctx, appliance.RetitleApp{Name: "echo", Title: "Our echo"})
		})},
		{"start", []jobstest.Start{add, fill, stop}, jobstest.With(func(ctx context.Context, b *box) (appliance.Job, error) { return b.Start(ctx, "echo") })},
		{"restart what is stopped", []jobstest.Start{add, fill, stop}, jobstest.With(func(ctx context.Context, b *box) (appliance.Job, error) { return b.Restart(ctx, "echo") })},
	} {
		kinds = append(kinds, jobstest.Kind{Name: c.name, World: func(t *testing.T) jobstest.World {
			t.Helper()
			w := newWorld(t)
			return jobstest.World{
				Open: w.open, State: w.state, Before: c.before, Change: c.change,
			}
		}})
	}
	jobstest.Run(t, kinds)
}

// killWorld is what a box has around it, over all its processes.
type killWorld struct {
	dir   string
	fake  *enginetest.Fake
	paper *paper
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
}

func newWorld(t *testing.T) *killWorld {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello steward")) }))
	t.Cleanup(app.Close)
	w := &killWorld{dir: t.TempDir(), fake: enginetest.NewFake(), paper: &paper{hosts: map[hostname.Name]string{}}}
	w.fake.AddImage(engine.ImageInfo{ID: "sha256:echo", Tags: []string{"echo"}})
	w.fake.OnExec(func(appliance.InstallName, engine.Exec) (int, error) { return 0, nil })
	w.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, app.Listener.Addr().String())
	}
	return w
}

func (w *killWorld) open(boundary jobstest.Boundary) (*jobstest.Process, error) {
	b, err := openBox(context.Background(), setup{
		dir: w.dir, engine: w.fake, image: appliance.Image{Ref: "echo", ID: "sha256:echo", Source: appliance.FromBundle}, dial: w.dial, paper: w.paper,
		boundary: boundary,
	})
	if err != nil {
		return nil, err
	}
	return &jobstest.Process{Jobs: b.Jobs, FailWrites: b.store.FailWrites, Close: func() error { b.end(); return nil }, Parts: b}, nil
}

// differs is what is another in each world: times, and what they are in.
var differs = regexp.MustCompile(`"created":"[^"]*"|\d{8}-\d{6}|"(hash|Hash)":"[^"]*"`)

// state is what there is of apps: on record, in the engine, of names, and in
// the folder of exports.
func (w *killWorld) state(ctx context.Context, p *jobstest.Process) (string, error) {
	b := p.Parts.(*box)
	var out strings.Builder
	put := func(what string, v any, err error) error {
		raw, encodeErr := json.Marshal(v)
		if err == nil {
			err = encodeErr
		}
		fmt.Fprintf(&out, "%s %s\n", what, differs.ReplaceAllString(string(raw), "…"))
		return err
	}
	installs, err := b.store.Installs(ctx)
	if err := put("installs", installs, err); err != nil {
		return "", err
	}
	addresses, err := b.store.Addresses(ctx)
	if err := put("addresses", addresses, err); err != nil {
		return "", err
	}
	ends, err := b.Endpoints(ctx)
	if err := put("endpoints", ends, err); err != nil {
		return "", err
	}
	for _, in := range installs {
		secrets, err := b.store.Secrets(ctx, in.Name)
		if err := put("secrets", len(secrets), err); err != nil {
			return "", err
		}
		releases, err := b.store.Releases(ctx, in.Name)
		if err := put("releases", releases, err); err != nil {
			return "", err
		}
	}
	there, err := w.fake.Installs(ctx)
	if err := put("installs of the engine", there, err); err != nil {
		return "", err
	}
	have, err := w.fake.Observe(ctx, "echo")
	for i := range have.Containers {
		c := &have.Containers[i] // made with other secrets, or made again
		c.ID, c.ConfigHash, c.Started, c.Restarts = "", "", time.Time{}, 0
	}
	if err := put("engine", have, err); err != nil {
		return "", err
	}
	for _, v := range have.Volumes {
		content, err := volume(ctx, w.fake, v)
		if err := put("volume "+v, content, err); err != nil {
			return "", err
		}
	}
	w.paper.mu.Lock()
	defer w.paper.mu.Unlock()
	if err := put("names", w.paper.hosts, nil); err != nil {
		return "", err
	}
	exports, err := files(b.Exports)
	err = put("exports", exports, err)
	return out.String(), err
}

func volume(ctx context.Context, e engine.Engine, name string) (string, error) {
	r, err := e.ReadVolume(ctx, "echo", name)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(r)
	return string(raw), err
}

func files(dir string) ([]string, error) {
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil && !d.IsDir() { // empty folders may be there or not
			all = append(all, strings.TrimPrefix(path, dir))
		}
		return err
	})
	return all, err
}
