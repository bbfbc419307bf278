// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/docker"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// logProgress shows a long step in the test's log.
type logProgress struct {
	t     testing.TB
	mu    sync.Mutex
	lines []string
}

func (p *logProgress) Log(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, line)
	p.t.Log(line)
}

func (*logProgress) Advance(int64, int64) {}

func realEngine(t *testing.T) engine.Engine {
	t.Helper()
	testkit.NeedDocker(t)
	e, err := docker.New("", docker.Owner{Box: enginetest.Box})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func newImages(t *testing.T, e engine.Engine, change func(*Deps)) *Images {
	t.Helper()
	d := Deps{Engine: e, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&d)
	}
	return New(d)
}

// tiny is a recipe that installs one small package.
func tiny(name, dockerfile string) want {
	return want{
		recipe: name, version: "1.0-1", service: "app", debian: "app",
		files: fstest.MapFS{
			"debian/app/Dockerfile": {Data: []byte(dockerfile)},
			"debian/app/hello.sh":   {Data: []byte("#!/bin/sh\necho hello\n")},
		},
	}
}

const tinyDockerfile = `# SPDX-License-Identifier: AGPL-3.0-or-later
ARG BASE
FROM ${BASE}
RUN apt-get update && apt-get install -y hello && rm -rf /var/lib/apt/lists/*
COPY hello.sh /usr/local/bin/hello.sh
RUN test -x /usr/local/bin/hello.sh && ! test -e /etc/coopkit-test
USER www-data
CMD ["/usr/local/bin/hello.sh"]
`

func removeBuilt(t *testing.T, e engine.Engine, recipe string) {
	t.Helper()
	t.Cleanup(func() {
		ctx := context.Background()
		all, err := e.Images(ctx, LabelService)
		if err != nil {
			t.Error(err)
		}
		for _, i := range all {
			if i.Labels[LabelService] == recipe+"-app" {
				if err := e.RemoveImage(ctx, i.ID); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// The base stays in the engine, so that only the first run of the tests on a
// machine makes one.
func TestReal_buildsFromDebianAndFindsItAgain(t *testing.T) {
	e := realEngine(t)
	testkit.NeedProgram(t, "debootstrap")
	im := newImages(t, e, nil)
	recipe := "imagestest" + strconv.Itoa(os.Getpid()) // no other test's image is removed
	removeBuilt(t, e, recipe)
	w := tiny(recipe, tinyDockerfile)
	p := &logProgress{t: t}

	got, err := im.ensure(t.Context(), w, appliance.FromDebian, p)
	if err != nil {
		t.Fatal(err)
	}
	info, ok, err := e.Image(t.Context(), got.ID)
	if err != nil || !ok {
		t.Fatalf("the engine has the image: %v, %v", ok, err)
	}
	if got.Source != appliance.FromDebian || !strings.HasPrefix(got.Ref, "coopkit/"+recipe+"-app:1.0-1-") ||
		!slices.Contains(info.Tags, got.Ref) || info.Labels[LabelBase] != "bookworm" || info.Labels[LabelVersion] != "1.0-1" {
		t.Errorf("got %+v, %+v", got, info)
	}
	list, err := os.ReadFile(im.packagesPath(got.ID))
	if err != nil || !strings.Contains(string(list), "\nhello 2.") || !strings.Contains(string(list), "\nca-certificates ") {
		t.Errorf("the packages were listed: %v: %.200s", err, list)
	}
	if v := im.DebianVersion("hello", got); !strings.HasPrefix(v, "2.") || strings.Contains(v, "-") {
		t.Errorf("it has hello %q", v)
	}

	before := len(p.lines)
	again, err := im.ensure(t.Context(), w, appliance.FromDebian, p)
	if err != nil || again != got {
		t.Errorf("the second time: %+v, %v; want %+v", again, err, got)
	}
	if len(p.lines) != before {
		t.Errorf("the second time did work: %q", p.lines[before:])
	}
}

func TestReal_failedBuildLeavesNothing(t *testing.T) {
	e := realEngine(t)
	testkit.NeedProgram(t, "debootstrap")
	im := newImages(t, e, nil)
	w := tiny("imagesfail", "FROM coopkit/debian-base\nRUN touch /a\nRUN echo E: no such thing >&2; exit 3\n")

	_, err := im.ensure(t.Context(), w, "", &logProgress{t: t})
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Code != "debian-build-failed" || len(p.Next) == 0 || p.Why != "no such thing" {
		t.Fatalf("got %#v", err)
	}
	noLayers(t, im, w)
}

func TestReal_stoppedBuildLeavesNothing(t *testing.T) {
	e := realEngine(t)
	testkit.NeedProgram(t, "debootstrap")
	im := newImages(t, e, nil)
	w := tiny("imagesstop", "FROM coopkit/debian-base\nRUN touch /a\nRUN echo waiting; sleep 600\n")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	if _, err := im.ensure(ctx, w, "", stopper{&logProgress{t: t}, "waiting", stop}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	noLayers(t, im, w)
}

// noLayers fails the test when the engine has something of a build.
func noLayers(t *testing.T, im *Images, w want) {
	t.Helper()
	files, err := readContext(w)
	if err != nil {
		t.Fatal(err)
	}
	b, err := im.ensureBase(t.Context(), appliance.Quiet{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := im.Engine.Images(t.Context(), LabelBuild)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Labels[LabelBuild] == serviceKey(b, files) {
			t.Errorf("left behind: %+v", i)
		}
	}
}

// Debian may or may not have updates today; asking must work, and must leave
// nothing.
func TestReal_asksDebianForUpdates(t *testing.T) {
	e := realEngine(t)
	testkit.NeedProgram(t, "debootstrap")
	im := newImages(t, e, nil)
	b, err := im.ensureBase(t.Context(), &logProgress{t: t})
	if err != nil {
		t.Fatal(err)
	}
	updates, err := im.updates(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d updates for %s", len(updates), b.tag)
	for _, u := range updates {
		if u.Name == "" || u.To == "" {
			t.Errorf("an update without a name or a version: %+v", u)
		}
	}
	all, err := e.Images(t.Context(), LabelBuild)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Labels[LabelBuild] == "look-"+strings.TrimPrefix(b.id, "sha256:")[:12] {
			t.Errorf("left behind: %+v", i)
		}
	}
}

// stopper ends a context as soon as a line with the text is logged.
type stopper struct {
	*logProgress
	text string
	stop context.CancelFunc
}

func (s stopper) Log(line string) {
	s.logProgress.Log(line)
	if strings.Contains(line, s.text) {
		s.stop()
	}
}

func TestReal_aBaseThatIsStoppedHalfWayLeavesNothing(t *testing.T) {
	e := realEngine(t)
	testkit.NeedProgram(t, "debootstrap")
	im := newImages(t, e, nil)
	host, err := im.Apt.host(t.Context(), im.Suite)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	_, err = im.makeBase(ctx, host, stopper{&logProgress{t: t}, "I: Retrieving", stop})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	left, err := os.ReadDir(filepath.Join(im.Dir, "work"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), im.Dir) {
		t.Errorf("something is still mounted below %s: %v", im.Dir, err)
	}
}
