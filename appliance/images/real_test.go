// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

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
	e, err := docker.New("")
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
	im, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	return im
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
	removeBuilt(t, e, "imagestest")
	w := tiny("imagestest", tinyDockerfile)
	p := &logProgress{t: t}

	got, err := im.ensure(t.Context(), w, appliance.FromDebian, p)
	if err != nil {
		t.Fatal(err)
	}
	info, ok, err := e.Image(t.Context(), got.ID)
	if err != nil || !ok {
		t.Fatalf("the engine has the image: %v, %v", ok, err)
	}
	if got.Source != appliance.FromDebian || !strings.HasPrefix(got.Ref, "coopkit/imagestest-app:1.0-1-") ||
		!slices.Contains(info.Tags, got.Ref) || info.Labels[LabelBase] != "bookworm" || info.Labels[LabelVersion] != "1.0-1" {
		t.Errorf("got %+v, %+v", got, info)
	}
	list, err := os.ReadFile(im.packagesPath(got.ID))
	if err != nil || !strings.Contains(string(list), "\nhello 2.") || !strings.Contains(string(list), "\nca-certificates ") {
		t.Errorf("the packages were listed: %v: %.200s", err, list)
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
	files, err := readContext(w)
	if err != nil {
		t.Fatal(err)
	}
	b, err := im.ensureBase(t.Context(), appliance.Quiet{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := e.Images(t.Context(), LabelBuild)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Labels[LabelBuild] == serviceKey(b, files) {
			t.Errorf("left behind: %+v", i)
		}
	}
}

// registry starts a registry on a free port of this machine.
func registry(t *testing.T) (addr string) {
	t.Helper()
	program := testkit.NeedProgram(t, "docker-registry")
	addr = "127.0.0.1:" + strconv.Itoa(testkit.FreePort(t))
	dir := t.TempDir()
	conf := "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: " + dir + "\nhttp:\n  addr: " + addr + "\n"
	path := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "serve", path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	testkit.Eventually(t, 20*time.Second, "the registry answers", func() bool {
		resp, err := http.Get("http://" + addr + "/v2/")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	return addr
}

// pushed puts a tiny image into the registry and returns its digest. The
// engine forgets it.
func pushed(t *testing.T, e engine.Engine, addr string) (digest string) {
	t.Helper()
	img := enginetest.TestImage(t, e)
	ref := addr + "/library/tiny:1"
	for _, args := range [][]string{{"tag", img.ID, ref}, {"push", "-q", ref}} {
		if out, err := exec.Command(testkit.NeedProgram(t, "docker"), args...).CombinedOutput(); err != nil {
			t.Fatalf("docker %v: %v: %s", args, err, out)
		}
	}
	info, ok, err := e.Image(t.Context(), ref)
	if err != nil || !ok || len(info.Digests) == 0 {
		t.Fatalf("pushed image: %+v, %v, %v", info, ok, err)
	}
	for _, d := range info.Digests {
		if name, sum, _ := strings.Cut(d, "@"); name == addr+"/library/tiny" {
			digest = sum
		}
	}
	if err := e.RemoveImage(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	return digest
}

func TestReal_pullsByDigestThroughAMirror(t *testing.T) {
	e := realEngine(t)
	addr := registry(t)
	digest := pushed(t, e, addr)
	im := newImages(t, e, func(d *Deps) { d.Mirror = map[string]string{"docker.io": addr} })
	w := want{recipe: "imagespull", version: "1-1", service: "app", image: "docker.io/library/tiny:1@" + digest}
	mirrored := addr + "/library/tiny@" + digest
	t.Cleanup(func() { _ = e.RemoveImage(context.Background(), mirrored) })

	got, err := im.ensure(t.Context(), w, "", &logProgress{t: t})
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest != digest || got.Source != appliance.FromRegistry || got.Ref != w.image || got.ID == "" {
		t.Errorf("got %+v", got)
	}
	p := &logProgress{t: t}
	if again, err := im.ensure(t.Context(), w, "", p); err != nil || again != got || len(p.lines) != 0 {
		t.Errorf("the second time: %+v, %v, %q", again, err, p.lines)
	}

	wrong := w
	wrong.image = "docker.io/library/tiny:1@sha256:" + strings.Repeat("0", 64)
	if _, err := im.ensure(t.Context(), wrong, "", p); err == nil {
		t.Error("an image with another digest was accepted")
	}
}

// layout copies an image with its blobs out of the registry into a bundle, as
// an OCI image layout.
func layout(t *testing.T, dir, addr, digest string) {
	t.Helper()
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o700); err != nil {
		t.Fatal(err)
	}
	keep := func(kind, digest string) []byte {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/v2/library/tiny/"+kind+"/"+digest, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "application/vnd.docker.distribution.manifest.v2+json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s, %v", kind, digest, resp.Status, err)
		}
		if err := os.WriteFile(filepath.Join(blobs, strings.TrimPrefix(digest, "sha256:")), b, 0o600); err != nil {
			t.Fatal(err)
		}
		return b
	}
	var m struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	if err := json.Unmarshal(keep("manifests", digest), &m); err != nil {
		t.Fatal(err)
	}
	keep("blobs", m.Config.Digest)
	for _, l := range m.Layers {
		keep("blobs", l.Digest)
	}
}

func TestReal_takesAnImageFromABundle(t *testing.T) {
	e := realEngine(t)
	addr := registry(t)
	digest := pushed(t, e, addr)
	im := newImages(t, e, nil)
	bundle := filepath.Join(im.Dir, "bundles", "october")
	layout(t, bundle, addr, digest)
	w := want{recipe: "imagesbundle", version: "1-1", service: "app", image: "docker.io/library/tiny:1@" + digest}

	got, err := im.ensure(t.Context(), w, "", &logProgress{t: t})
	if err != nil {
		t.Fatal(err)
	}
	info, ok, err := e.Image(t.Context(), got.ID)
	if err != nil || !ok || got.Source != appliance.FromBundle || got.Digest != digest {
		t.Errorf("got %+v, %v, %v", got, ok, err)
	}
	t.Cleanup(func() {
		for _, d := range info.Digests {
			_ = e.RemoveImage(context.Background(), d)
		}
	})
	p := &logProgress{t: t}
	if again, err := im.ensure(t.Context(), w, "", p); err != nil || again != got || len(p.lines) != 0 {
		t.Errorf("the second time: %+v, %v, %q", again, err, p.lines)
	}

	// A bundle whose bytes are not what the digest says gives nothing.
	other := newImages(t, e, nil)
	bad := filepath.Join(other.Dir, "bundles", "bad")
	wrong := "sha256:" + strings.Repeat("ab", 32)
	layout(t, bad, addr, digest)
	from := filepath.Join(bad, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
	if err := os.Rename(from, filepath.Join(filepath.Dir(from), strings.TrimPrefix(wrong, "sha256:"))); err != nil {
		t.Fatal(err)
	}
	w.image = "docker.io/library/tiny:1@" + wrong
	if got, err := other.ensure(t.Context(), w, appliance.FromBundle, p); err == nil {
		t.Errorf("a forged bundle was accepted: %+v", got)
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
