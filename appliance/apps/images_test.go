// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/docker"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

// source has every image, from the registry always the same and from Debian
// another after each time that it was removed.
type source struct {
	fake  *enginetest.Fake
	kind  appliance.ImageSource
	built atomic.Int64
}

func (s *source) Ensure(ctx context.Context, r *recipes.Recipe, service, _ string, force appliance.ImageSource, _ appliance.Progress) (appliance.Image, error) {
	if force != "" && force != s.kind {
		return appliance.Image{}, errors.New("asked for another source")
	}
	tag := r.Name + "-" + service
	if have, ok, err := s.fake.Image(ctx, tag); err != nil || ok {
		return appliance.Image{Ref: tag, ID: have.ID, Source: s.kind}, err
	}
	id := "sha256:" + tag
	if n := s.built.Add(1); s.kind == appliance.FromDebian {
		id += "-" + strconv.FormatInt(n, 10)
	}
	s.fake.AddImage(engine.ImageInfo{ID: id, Tags: []string{tag}})
	return appliance.Image{Ref: tag, ID: id, Source: s.kind}, nil
}

// prune removes the containers of echo and all its images, as docker system
// prune --all does with an app that is down.
func (b *box) prune(t *testing.T, install appliance.InstallName) {
	t.Helper()
	r, err := b.active(t.Context(), install)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.spec.Services {
		if err := b.Engine.RemoveContainer(t.Context(), install, s.Name); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range r.spec.Services {
		if _, ok, err := b.Engine.Image(t.Context(), s.Resolved.ID); err != nil || !ok {
			continue // two services may have the same
		}
		if err := b.Engine.RemoveImage(t.Context(), s.Resolved.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// runs fails the test unless both services run, as a release of that number.
func (b *box) runs(t *testing.T, install appliance.InstallName, number int) {
	t.Helper()
	have := b.observe(t, install)
	for _, c := range have.Containers {
		if c.State != engine.Running || c.Release != number {
			t.Errorf("%s is %s, of release %d", c.Name, c.State, c.Release)
		}
	}
	in, err := b.store.Install(t.Context(), install)
	if err != nil || in.Release != number || len(have.Containers) != 2 {
		t.Errorf("release %d is active with %d containers, %v; want %d", in.Release, len(have.Containers), err, number)
	}
}

// TestImages_ofARegistryComeBackByThemselves: the digest gives the same ones.
func TestImages_ofARegistryComeBackByThemselves(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	b.Images = &source{fake: fake, kind: appliance.FromRegistry}
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	b.prune(t, "echo")
	b.Reconcile(t.Context())
	b.runs(t, "echo", 1)
	b.prune(t, "echo")
	job, err = b.Restart(t.Context(), "echo")
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Errorf("restart: %s %v", job.State, job.Problem)
	}
	b.runs(t, "echo", 1)
}

// TestImages_builtAgainAreAReleaseOfTheirOwn: nothing builds behind people's
// backs; the restart that the problem names does, and both releases are on
// record.
func TestImages_builtAgainAreAReleaseOfTheirOwn(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	b.Images = &source{fake: fake, kind: appliance.FromDebian}
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	builtAgain(t, b, "echo")
	job, err = b.Stop(t.Context(), "echo")
	b.follow(t, job, err)
	b.prune(t, "echo")
	job, err = b.Start(t.Context(), "echo")
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Errorf("start: %s %v", job.State, job.Problem)
	}
	b.runs(t, "echo", 3)
	b.prune(t, "echo")
	job, err = b.Remove(t.Context(), appliance.RemoveApp{Name: "echo"})
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Errorf("an app without its images is not removed: %s %v", job.State, job.Problem)
	}
	b.nothingLeft(t, "echo")
}

// builtAgain loses the images of an app that was built here, and follows what
// the problem says.
func builtAgain(t *testing.T, b *box, install appliance.InstallName) {
	t.Helper()
	b.prune(t, install)
	b.Reconcile(t.Context())
	if have := b.observe(t, install); len(have.Containers) > 0 {
		t.Errorf("reconcile made %+v", have.Containers)
	}
	if err := b.keep(t.Context(), install); !errors.Is(err, errImageGone) {
		t.Errorf("got %v; want the problem image-gone", err)
	}
	job, err := b.Restart(t.Context(), install)
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Fatalf("restart: %s %v", job.State, job.Problem)
	}
	b.runs(t, install, 2)
	all, err := b.store.Releases(t.Context(), install)
	if err != nil || len(all) != 2 || all[0].Images["app"].ID == all[1].Images["app"].ID || all[0].Version != all[1].Version {
		t.Errorf("releases %+v, %v", all, err)
	}
	b.Reconcile(t.Context())
	b.runs(t, install, 2)
}

// importer builds the test app anew into a real engine whenever it is asked for
// an image that is not there.
type importer struct {
	tb   testing.TB
	made atomic.Pointer[appliance.Image]
}

func (m *importer) Ensure(ctx context.Context, _ *recipes.Recipe, _, _ string, _ appliance.ImageSource, _ appliance.Progress) (appliance.Image, error) {
	eng, err := docker.New("", docker.Owner{Box: enginetest.Box})
	if err != nil {
		return appliance.Image{}, err
	}
	defer func() { _ = eng.Close() }()
	if last := m.made.Load(); last != nil {
		if _, ok, err := eng.Image(ctx, last.ID); err != nil || ok {
			return *last, err
		}
	}
	image := enginetest.TestImage(m.tb, eng) //nolint:contextcheck // it goes with the test
	image.Source = appliance.FromDebian
	m.made.Store(&image)
	return image, nil
}

// TestImages_areMadeAgainInARealEngine is the same with containers that run.
func TestImages_areMadeAgainInARealEngine(t *testing.T) {
	t.Parallel()
	testkit.NeedDocker(t)
	made := &importer{tb: t}
	t.Run("box", func(t *testing.T) { // it ends before its images are removed
		name := appliance.InstallName("images-" + strconv.Itoa(os.Getpid()))
		b, err := realBox(t.Context(), crashCase{Dir: t.TempDir(), Box: enginetest.Box, Index: 40}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.end)
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := b.teardown(ctx, name, appliance.Quiet{}); err != nil {
				t.Error(err)
			}
		})
		b.Images = made
		job, err := b.Add(t.Context(), appliance.AddApp{Recipe: "echo", Name: string(name), Host: string(name) + ".demo.coop"})
		if job = b.follow(t, job, err); job.State != appliance.JobDone {
			t.Fatalf("add: %s %v", job.State, job.Problem)
		}
		b.runs(t, name, 1)
		builtAgain(t, b, name)
	})
}
