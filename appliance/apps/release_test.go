// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// changed is a catalogue with another recipe of the same name: other services,
// other commands, other versions.
func changed(t *testing.T, b *box) *recipes.Catalogue {
	t.Helper()
	r, err := b.Catalogue.Find("echo")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range []string{"recipe.yaml", "compose.yaml", "README.md", "icon.svg"} {
		data, err := r.Files().Open(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(data)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.NewReplacer(
			"version: 1.0.0-1", "version: 2.0.0-1", "command: [/app, serve]", "command: [/app, serve, again]", "helper", "assistant", "path: /,", "path: /later,",
		).Replace(string(text)))
		files["catalogue/echo/"+name] = &fstest.MapFile{Data: text}
	}
	c, err := recipes.LoadCatalogue(files, "catalogue")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// packed is a folder as a release keeps it.
func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, text := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// hashes are what the containers of an install are made from.
func hashes(have engine.Observed) map[string]string {
	out := map[string]string{}
	for _, c := range have.Containers {
		out[c.Service] = c.ConfigHash + " " + c.Address.String()
	}
	return out
}

// TestRelease_runsItsOwnRecipe: whatever becomes of the catalogue, an app stays
// what it was through everything that starts it.
func TestRelease_runsItsOwnRecipe(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	want := hashes(b.observe(t, "echo"))
	for name, catalogue := range map[string]*recipes.Catalogue{"lost": {}, "changed": changed(t, b)} {
		b.Catalogue = catalogue
		for _, do := range []func() (appliance.Job, error){
			func() (appliance.Job, error) { return b.Restart(t.Context(), "echo") },
			func() (appliance.Job, error) { return b.Stop(t.Context(), "echo") },
			func() (appliance.Job, error) { return b.Start(t.Context(), "echo") },
		} {
			job, err := do()
			if job = b.follow(t, job, err); job.State != appliance.JobDone {
				t.Errorf("%s: %s ended %s: %v", name, job.Kind, job.State, job.Problem)
			}
		}
		for _, service := range []string{"app", "helper"} {
			if err := errors.Join(fake.StopContainer(t.Context(), "echo", service), fake.RemoveContainer(t.Context(), "echo", service)); err != nil {
				t.Fatal(err)
			}
		}
		b.Reconcile(t.Context())
		if diff := cmp.Diff(want, hashes(b.observe(t, "echo"))); diff != "" {
			t.Errorf("the catalogue is %s (-was +is):\n%s", name, diff)
		}
		if app, err := b.Show(t.Context(), "echo"); err != nil || app.Version != "1.0.0-1" || app.State != "running" {
			t.Errorf("the catalogue is %s: %+v, %v", name, app, err)
		}
		if ends, err := b.Endpoints(t.Context()); err != nil || len(ends) != 1 || !ends[0].Target.IsValid() {
			t.Errorf("the catalogue is %s: %+v, %v", name, ends, err)
		}
	}
}

// TestAdd_keepsTheRecipeItBeganWith: the catalogue changes as soon as the app is
// on record. Nobody gets in before the release is active.
func TestAdd_keepsTheRecipeItBeganWith(t *testing.T) {
	t.Parallel()
	var b *box
	var open atomic.Int64
	b, _ = fakeBoxWith(t, fine, func(_ appliance.Change, step, phase string) {
		if step == "record" && phase == "recorded" {
			b.Catalogue = changed(t, b)
		}
		if ends, err := b.Endpoints(t.Context()); step != "door" && step != "certificates" && phase == "started" && (err != nil || len(ends) > 0 && ends[0].Target.IsValid()) {
			open.Add(1)
		}
	})
	job, err := b.Add(t.Context(), echo)
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Fatalf("job %s: %v", job.State, job.Problem)
	}
	if n := open.Load(); n > 0 {
		t.Errorf("the address led to the app at the start of %d steps before it was active", n)
	}
	var services []string
	for _, c := range b.observe(t, "echo").Containers {
		services = append(services, c.Service)
	}
	if app, err := b.Show(t.Context(), "echo"); err != nil || app.Version != "1.0.0-1" || !cmp.Equal(services, []string{"app", "helper"}) {
		t.Errorf("it became %+v with the services %v, %v", app, services, err)
	}
}

// counted counts what is read of a source of randomness.
type counted struct {
	io.Reader
	reads atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	c.reads.Add(1)
	return c.Reader.Read(b)
}

func TestPlanAdd_makesNoSecret(t *testing.T) { // not parallel: it watches all randomness
	b, _ := fakeBox(t, fine)
	b.checkWord() // the box's own
	source := &counted{Reader: rand.Reader}
	rand.Reader = source
	defer func() { rand.Reader = source.Reader }()
	if _, err := b.PlanAdd(t.Context(), echo); err != nil || source.reads.Load() != 0 {
		t.Errorf("planning drew %d times, %v", source.reads.Load(), err)
	}
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	if n := source.reads.Load(); n != 2 {
		t.Errorf("adding an app with two secrets drew %d times", n)
	}
}

func TestRelease_ofANewerProgramSaysWhich(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	b.Version = "1.4.0"
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	_, err = b.store.InsertRelease(t.Context(), appliance.Release{Install: "echo", Version: "9.0.0-1", Program: "2.1.0", Created: b.Now()},
		packed(t, map[string]string{"recipe.yaml": "format: 99\nname: echo\n", "compose.yaml": "services: {}\n"}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.newest(t.Context(), "echo")
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != "recipe-newer" || !strings.Contains(p.Next[0], "coopkit 2.1.0") {
		t.Errorf("got %v; want recipe-newer that names 2.1.0", err)
	}
	if r, err := b.active(t.Context(), "echo"); err != nil || r.Program != "1.4.0" {
		t.Errorf("the active release: %+v, %v", r, err)
	}
}

// TestRelease_canBeGoneBackTo: a release with other services is raised, then the
// one before; every service stays at its address, whoever comes or goes.
func TestRelease_canBeGoneBackTo(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	first := hashes(b.observe(t, "echo"))
	r, err := b.active(t.Context(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	recipe, err := changed(t, b).Find("echo")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := pack(recipe)
	if err != nil {
		t.Fatal(err)
	}
	next := r.next("1.5.0")
	next.Version, next.Images["assistant"] = recipe.Version, next.Images["helper"]
	number, err := b.store.InsertRelease(t.Context(), next, folder)
	if err != nil || number != 2 {
		t.Fatalf("release %d, %v", number, err)
	}
	b.Reconcile(t.Context())
	if diff := cmp.Diff(first, hashes(b.observe(t, "echo"))); diff != "" {
		t.Errorf("a release that is not active was raised: %s", diff)
	}
	for number, want := range map[int]string{2: "app 10.213.0.2, assistant 10.213.0.4", 1: "app 10.213.0.2, helper 10.213.0.3"} {
		if err := b.store.Activate(t.Context(), "echo", number); err != nil {
			t.Fatal(err)
		}
		b.Reconcile(t.Context())
		var got []string
		for _, c := range b.observe(t, "echo").Containers {
			got = append(got, c.Service+" "+c.Address.String())
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("release %d has %v; want %s", number, got, want)
		}
	}
	if err := b.store.Activate(t.Context(), "echo", 1); err != nil {
		t.Fatal(err)
	}
	b.Reconcile(t.Context())
	if diff := cmp.Diff(first, hashes(b.observe(t, "echo"))); diff != "" {
		t.Errorf("going back is not what it was (-was +is): %s", diff)
	}
}

// TestShelf_readsARecipeOnce: the folder of a release is read when it is new.
func TestShelf_readsARecipeOnce(t *testing.T) {
	t.Parallel()
	var s shelf
	reads := 0
	folder := packed(t, map[string]string{"recipe.yaml": "name: echo\n", "compose.yaml": "services: {}\n"})
	look := func(rel appliance.Release) {
		t.Helper()
		if _, err := s.recipe(rel, func() ([]byte, error) { reads++; return folder, nil }); err != nil {
			t.Fatal(err)
		}
	}
	one := appliance.Release{Install: "echo", Number: 1, Created: time.UnixMilli(1)}
	again := one
	again.Created = time.UnixMilli(2) // another install that got the name
	for _, c := range []struct {
		rel  appliance.Release
		want int
	}{{one, 1}, {one, 1}, {again, 2}, {one, 2}} {
		if look(c.rel); reads != c.want {
			t.Errorf("read %d times; want %d", reads, c.want)
		}
	}
	s.forget(nil)
	if look(one); reads != 3 {
		t.Errorf("what is gone is still kept: read %d times", reads)
	}
}
