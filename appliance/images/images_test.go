// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/problem"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// fakeBase puts a base into the fake engine, as makeBase would have.
func fakeBase(t *testing.T, im *Images, e *enginetest.Fake, id string, made time.Time) {
	t.Helper()
	host, err := im.Apt.host(t.Context(), im.Suite)
	if err != nil {
		t.Fatal(err)
	}
	e.AddImage(engine.ImageInfo{
		ID: "sha256:" + strings.Repeat(id, 32), Tags: []string{BaseName + ":" + id}, Created: made,
		Labels: map[string]string{LabelBase: im.Suite, LabelKey: "key-" + id, LabelInputs: im.baseInputs(host)},
	})
}

// plainApt is a host that says nothing of Debian.
func plainApt(t *testing.T) Apt {
	t.Helper()
	return Apt{Dir: t.TempDir(), Hosts: filepath.Join(t.TempDir(), "none"), Config: func(context.Context) (string, error) { return "", nil }}
}

// offline is a registry host that answers nothing.
func offline(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return l.Addr().String()
}

// answering is a registry host that gives a sign of life, and counts them.
func answering(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func both(host string) want {
	w := tiny("wiki", "FROM coopkit/debian-base\nRUN true\n")
	w.image = host + "/wiki/app:1@" + digest
	return w
}

func ops(e *enginetest.Fake) (all []string) {
	for _, c := range e.Calls() {
		all = append(all, c.Op)
	}
	return all
}

func fakeImages(t *testing.T, e engine.Engine) *Images {
	t.Helper()
	return newImages(t, e, func(d *Deps) { d.Apt = plainApt(t) })
}

func TestEnsure_prefersTheRegistry(t *testing.T) {
	e := enginetest.NewFake()
	im := fakeImages(t, e)
	w := both(answering(t))
	e.AddImage(engine.ImageInfo{ID: "sha256:aa", Digests: []string{"elsewhere@" + digest}})
	ref := strings.Replace(w.image, ":1@", "@", 1)
	_, known, err := e.Image(t.Context(), ref)
	if err != nil || known {
		t.Fatalf("the fake has it already: %v, %v", known, err)
	}
	e.AddImage(engine.ImageInfo{ID: "sha256:bb", Digests: []string{ref}})
	got, err := im.ensure(t.Context(), w, "", appliance.Quiet{})
	if err != nil {
		t.Fatal(err)
	}
	want := appliance.Image{Ref: w.image, ID: "sha256:bb", Digest: digest, Source: appliance.FromRegistry}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEnsure_buildsWhenTheRegistryIsSilentAndAsksItOnce(t *testing.T) {
	e := enginetest.NewFake()
	var asked int
	im := newImages(t, e, func(d *Deps) {
		d.Apt = plainApt(t)
		d.Client = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			asked++
			return nil, errors.New("no such host")
		})}
	})
	fakeBase(t, im, e, "aa", time.Now())
	for _, service := range []string{"app", "db", "cache"} {
		w := both("registry.example")
		w.service = service
		got, err := im.ensure(t.Context(), w, "", appliance.Quiet{})
		if err != nil || got.Source != appliance.FromDebian || !strings.HasPrefix(got.Ref, "coopkit/wiki-"+service+":1.0-1-") {
			t.Fatalf("%s: %+v, %v", service, got, err)
		}
	}
	if asked != 1 {
		t.Errorf("a silent registry was asked %d times", asked)
	}
	if slices.Contains(ops(e), "Pull") {
		t.Error("the engine was sent to a registry that does not answer")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestEnsure_saysWhyNothingWorked(t *testing.T) {
	e := enginetest.NewFake()
	im := fakeImages(t, e)
	fakeBase(t, im, e, "aa", time.Now())
	w := both(offline(t))
	code := func(w want, force appliance.ImageSource) string {
		t.Helper()
		_, err := im.ensure(t.Context(), w, force, appliance.Quiet{})
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || len(p.Next) == 0 {
			t.Fatalf("no problem with a remedy: %v", err)
		}
		return p.Code
	}
	if got := code(w, appliance.FromRegistry); got != "registry-unreachable" {
		t.Error(got)
	}
	if got := code(w, appliance.FromBundle); got != "image-unavailable" {
		t.Error(got)
	}
	only := w
	only.debian = ""
	if got := code(only, appliance.FromDebian); got != "image-unavailable" {
		t.Error(got)
	}
	loose := w
	loose.image, loose.debian = "docker.io/library/wiki:latest", ""
	if got := code(loose, ""); got != "image-without-digest" {
		t.Error(got)
	}
	foreign := tiny("wiki", "FROM debian:bookworm\n")
	if got := code(foreign, ""); got != "debian-build-invalid" {
		t.Error(got)
	}
	e.FailNext("BuildImage", errors.New("exit code 100"))
	if got := code(w, ""); got != "image-unavailable" { // two sources, two reasons
		t.Error(got)
	}
	e.FailNext("BuildImage", &problem.Problem{Code: "image-builder-failed", Why: "it says: could not find bridge docker0", Next: []string{"restart it"}})
	var p *problem.Problem
	if _, err := im.ensure(t.Context(), w, "", appliance.Quiet{}); !errors.As(err, &p) || !strings.Contains(p.Why, "bridge docker0") ||
		!strings.Contains(p.Why, "does not answer") || !slices.Contains(p.Next, "restart it") {
		t.Errorf("the builder's reason is hidden: %+v", p)
	}
	im.free = func(string) (uint64, error) { return 10 << 20, nil }
	if got := code(w, appliance.FromDebian); got != "no-room-for-images" {
		t.Error(got)
	}
	e.SetDown(true)
	if got := code(w, ""); got != "engine-unreachable" {
		t.Error(got)
	}
}

func TestEnsure_twoWhoWantTheSameBuildItOnce(t *testing.T) {
	e := enginetest.NewFake()
	im := fakeImages(t, e)
	fakeBase(t, im, e, "aa", time.Now())
	w := tiny("wiki", "FROM coopkit/debian-base\n")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := im.ensure(t.Context(), w, "", appliance.Quiet{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	built := 0
	for _, c := range e.Calls() {
		if c.Op == "BuildImage" && strings.HasPrefix(c.Thing, "coopkit/wiki-app:") {
			built++
		}
	}
	if built != 1 {
		t.Errorf("built %d times", built)
	}
}

// aged is an engine in which apt finds newer packages in some images.
type aged struct {
	*enginetest.Fake
	old map[string]bool // by image id
}

func (a *aged) BuildImage(ctx context.Context, b engine.Build, p appliance.Progress) (engine.ImageInfo, error) {
	packed, err := io.ReadAll(b.Context)
	if err != nil {
		return engine.ImageInfo{}, err
	}
	b.Context = bytes.NewReader(packed)
	info, err := a.Fake.BuildImage(ctx, b, p)
	if strings.HasPrefix(b.Tag, "coopkit/throwaway:") {
		p.Log("coopkit-begin")
		for id := range a.old {
			if bytes.Contains(packed, []byte("FROM "+id)) && bytes.Contains(packed, []byte("dist-upgrade")) {
				p.Log("Inst libc6 [2.36-9] (2.36-9+deb12u10 Debian:12.11/stable [amd64])")
			}
		}
		p.Log("coopkit-end")
	}
	return info, err
}

func TestRefresh_buildsOnlyWhatHasNewerPackages(t *testing.T) {
	e := &aged{Fake: enginetest.NewFake(), old: map[string]bool{}}
	im := fakeImages(t, e)
	fakeBase(t, im, e.Fake, "aa", time.Now())
	app, db, never := tiny("wiki", "FROM ${BASE}\n"), tiny("wiki", "FROM ${BASE}\nUSER db\n"), tiny("wiki", "FROM ${BASE}\n")
	db.service, never.service = "db", "never"
	wants := []want{app, db, never}
	first, err := im.ensure(t.Context(), app, "", appliance.Quiet{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := im.ensure(t.Context(), db, "", appliance.Quiet{}); err != nil {
		t.Fatal(err)
	}

	if done, err := im.refresh(t.Context(), wants, appliance.Quiet{}); err != nil || len(done) != 0 {
		t.Fatalf("nothing is newer: %+v, %v", done, err)
	}
	e.old[first.ID] = true
	done, err := im.refresh(t.Context(), wants, appliance.Quiet{})
	if err != nil || len(done) != 1 {
		t.Fatalf("one is newer: %+v, %v", done, err)
	}
	got := done[0]
	want := []PackageChange{{Name: "libc6", From: "2.36-9", To: "2.36-9+deb12u10"}}
	if got.Service != "app" || got.Old != first.ID || got.New.ID == first.ID || cmp.Diff(want, got.Packages) != "" {
		t.Errorf("got %+v", got)
	}
	if now, err := im.ensure(t.Context(), app, "", appliance.Quiet{}); err != nil || now.ID != got.New.ID {
		t.Errorf("the refreshed one is used: %+v, %v", now, err)
	}
	if _, ok, _ := e.Image(t.Context(), first.ID); !ok {
		t.Error("the old one is gone: there is no way back")
	}
	// A newer base makes everything on the old one stale.
	fakeBase(t, im, e.Fake, "bb", time.Now().Add(time.Hour))
	e.old = nil
	if done, err := im.refresh(t.Context(), wants, appliance.Quiet{}); err != nil || len(done) != 2 {
		t.Errorf("a newer base: %+v, %v", done, err)
	}
}

func TestContextTar_isTheSameEveryTimeAndScriptsRun(t *testing.T) {
	w := tiny("wiki", "FROM coopkit/debian-base AS build\nFROM build\n")
	files, err := readContext(w)
	if err != nil {
		t.Fatal(err)
	}
	dockerfile, err := prepareDockerfile(string(files[0].data), "sha256:base", "k")
	if err != nil {
		t.Fatal(err)
	}
	if want := "FROM sha256:base AS build\nLABEL coop.coopkit.build=k\nFROM build\nLABEL coop.coopkit.build=k\n"; dockerfile != want {
		t.Errorf("got %q", dockerfile)
	}
	a, errA := contextTar(files, dockerfile)
	b, errB := contextTar(files, dockerfile)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Fatalf("two archives differ: %v, %v", errA, errB)
	}
	modes := map[string]int64{}
	for tr := tar.NewReader(bytes.NewReader(a)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[h.Name] = h.Mode
	}
	if d := cmp.Diff(map[string]int64{"Dockerfile": 0o644, "hello.sh": 0o755}, modes); d != "" {
		t.Error(d)
	}
}

func TestReachability_forgetsAfterAWhile(t *testing.T) {
	now := time.Now()
	asked := 0
	r := reachability{now: func() time.Time { return now }, client: &http.Client{
		Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			asked++
			return nil, errors.New("refused")
		}),
	}}
	for _, wait := range []time.Duration{0, silentFor - time.Second, 2 * time.Second} {
		now = now.Add(wait)
		if err := r.check(t.Context(), "registry.example"); !errors.Is(err, &problem.Problem{Code: "registry-unreachable"}) {
			t.Errorf("got %v", err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

// A second agent at the same engine may have built the same image, and lost its
// name to a later build.
func TestSweep_leavesWhatIsFinished(t *testing.T) {
	e := enginetest.NewFake()
	im := fakeImages(t, e)
	e.AddImage(engine.ImageInfo{ID: "sha256:aa", Labels: map[string]string{LabelBuild: "k", LabelKey: "base"}})
	e.AddImage(engine.ImageInfo{ID: "sha256:bb", Labels: map[string]string{LabelBuild: "k", LabelKey: "k"}})
	im.sweep(t.Context(), "k")
	left, err := e.Images(t.Context(), LabelBuild)
	if err != nil || len(left) != 1 || left[0].ID != "sha256:bb" {
		t.Errorf("left: %+v, %v", left, err)
	}
}
