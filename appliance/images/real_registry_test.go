// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/testkit"
)

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
