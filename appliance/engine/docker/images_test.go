// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/image"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/testkit"
)

// told is a Progress that remembers.
type told struct {
	mu          sync.Mutex
	lines       []string
	done, total int64
}

func (p *told) Log(l string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, l)
}

func (p *told) Advance(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = done, total
}

func TestBuildImage(t *testing.T) {
	t.Parallel()
	e := connect(t)
	base := enginetest.TestImage(t, e)
	p := &told{}
	info, err := e.BuildImage(t.Context(), engine.Build{
		Tag: base.Ref + "-built", Args: map[string]string{"WORD": "built here"},
		Labels:  map[string]string{enginetest.LabelTest: `a "word" of $5`},
		Context: dockerfile(t, "FROM "+base.Ref+"\nARG WORD\nRUN [\"/app\", \"write\", \"/word\", \"x\"]\nENV SAID=$WORD\n"),
	}, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.RemoveImage(context.WithoutCancel(t.Context()), info.ID) })
	if info.Labels[enginetest.LabelTest] != `a "word" of $5` || info.Arch == "" || info.Bytes == 0 || info.Created.IsZero() {
		t.Errorf("built %+v", info)
	}
	if !slices.Contains(p.lines, "Step 1/5 : FROM "+base.Ref) || p.total != 5 {
		t.Errorf("it told %q, %d of %d", p.lines, p.done, p.total)
	}
}

func TestBuildImage_failureShowsTheLastLines(t *testing.T) {
	t.Parallel()
	e := connect(t)
	base := enginetest.TestImage(t, e)
	_, err := e.BuildImage(t.Context(), engine.Build{
		Tag: base.Ref + "-bad", Context: dockerfile(t, "FROM "+base.Ref+"\nRUN [\"/app\", \"say\", \"no package today\", \"9\"]\n"),
	}, appliance.Quiet{})
	wantProblem(t, err, "image-build-failed", "no package today")
	wantProblem(t, err, "image-build-failed", "non-zero code: 9")
	_, err = e.BuildImage(t.Context(), engine.Build{Tag: base.Ref + "-bad", Context: dockerfile(t, "NONSENSE\n")}, appliance.Quiet{})
	wantProblem(t, err, "image-builder-failed", "NONSENSE")
}

func dockerfile(t *testing.T, content string) io.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := w.WriteHeader(&tar.Header{Name: "Dockerfile", Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}

func TestImport_labelsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	e := connect(t)
	empty := dockerfile(t, "")
	labels := map[string]string{enginetest.LabelTest: `it's "quoted" \ and costs $HOME`}
	info, err := e.Import(t.Context(), "coopkit/labels:"+enginetest.Box, labels, empty)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.RemoveImage(context.WithoutCancel(t.Context()), info.ID) })
	if info.Labels[enginetest.LabelTest] != labels[enginetest.LabelTest] {
		t.Errorf("label %q", info.Labels[enginetest.LabelTest])
	}
}

func TestPull_unreachableRegistry(t *testing.T) {
	t.Parallel()
	e := connect(t)
	ref := fmt.Sprintf("127.0.0.1:%d/app@sha256:%064d", testkit.FreePort(t), 1)
	_, err := e.Pull(t.Context(), ref, appliance.Quiet{})
	wantProblem(t, err, "registry-unreachable", "the container engine says")
}

func TestPull_byDigestFromARegistry(t *testing.T) {
	t.Parallel()
	e := connect(t)
	host := registry(t)
	base := enginetest.TestImage(t, e)
	tag := host + "/app:1"
	if err := e.cli.ImageTag(t.Context(), base.ID, tag); err != nil {
		t.Fatal(err)
	}
	push, err := e.cli.ImagePush(t.Context(), tag, image.PushOptions{RegistryAuth: "e30K"}) // {}
	if err != nil {
		t.Fatal(err)
	}
	if err := readMessages(push, func(message) {}); err != nil {
		t.Fatal(err)
	}
	info, _, err := e.Image(t.Context(), tag)
	if err != nil || len(info.Digests) == 0 {
		t.Fatalf("pushed %+v, %v", info, err)
	}
	ref := info.Digests[0]
	if err := e.RemoveImage(t.Context(), base.ID); err == nil { // it has two names: the engine keeps it
		t.Fatal("an image with two names was removed by its id")
	}
	for _, name := range []string{base.Ref, tag, ref} {
		if err := e.RemoveImage(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	p := &told{}
	pulled, err := e.Pull(t.Context(), ref, p)
	if err != nil || pulled.ID != base.ID || !slices.Contains(pulled.Digests, ref) || len(p.lines) == 0 {
		t.Errorf("pulled %+v, %v, told %q", pulled, err, p.lines)
	}
	_, err = e.Pull(t.Context(), fmt.Sprintf("%s/app@sha256:%064d", host, 1), appliance.Quiet{})
	wantProblem(t, err, "image-pull-failed", "the container engine says")
}

// registry starts a registry on loopback and returns its host and port.
func registry(t *testing.T) string {
	t.Helper()
	program := testkit.NeedProgram(t, "docker-registry")
	host := fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t))
	conf := filepath.Join(t.TempDir(), "registry.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", t.TempDir(), host)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "serve", conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	testkit.Eventually(t, 30*time.Second, "the registry does not answer", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/v2/", nil)
		if err != nil {
			return false
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	return host
}

func TestLayerProgress_addsUp(t *testing.T) {
	l := layerProgress{}
	l.add("a", 1, 10)
	l.add("b", 5, 20)
	if done, total := l.add("a", 4, 10); done != 9 || total != 30 {
		t.Errorf("got %d of %d; want 9 of 30", done, total)
	}
}
