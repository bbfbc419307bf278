// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

func TestDown_asksTheApplianceThenLeavesNoFile(t *testing.T) {
	testkit.NeedDocker(t)
	d, _, world := fakeDemo(t)
	if _, err := d.startAgent(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.addApp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.down(t.Context()); err != nil {
		t.Fatal(err)
	}
	changes := told(t, world)
	if diff := cmp.Diff("app remove "+fakeApp+" --no-export --yes", changes[len(changes)-1]); diff != "" {
		t.Error(diff)
	}
	if d.exists() || d.agent().pid() != 0 {
		t.Error("something is left")
	}
	if err := d.down(t.Context()); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestInstalls_areThoseThatTheApplianceNames(t *testing.T) {
	d, _, world := fakeDemo(t)
	if got := d.installs(t.Context()); len(got) != 0 {
		t.Errorf("a new one has %v", got)
	}
	if err := os.WriteFile(filepath.Join(world, "app"), []byte(`[{"name":"one"},{"name":"two"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "two"}, d.installs(t.Context())); diff != "" {
		t.Error(diff)
	}
}

// TestDown_leavesOtherBoxesAlone: a neighbour with an app of the same name, and
// bytes in its volume, is as before, whether the demo's appliance removed its
// own or the sweep had to.
func TestDown_leavesOtherBoxesAlone(t *testing.T) {
	testkit.NeedDocker(t)
	testkit.NeedProgram(t, "docker")
	name := "coopkit-demo-test-" + strconv.Itoa(os.Getpid())
	image := emptyImage(t, name)
	made := map[string][]string{}
	for _, box := range []string{name + "-ours", name + "-theirs"} {
		made[box] = place(t, box, fakeApp, image)
	}
	data := volumeFolder(t, name+"-theirs")
	if err := os.WriteFile(filepath.Join(data, "members"), []byte("Amara, Bo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, _, world := fakeDemo(t)
	if _, err := d.startAgent(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(world, "app"), fakeAppRuns, 0o600); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(d.dir, "state")
	if err := errors.Join(os.MkdirAll(state, 0o700), os.WriteFile(filepath.Join(state, "box"), []byte(name+"-ours\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := d.clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	for box, things := range made {
		for _, args := range [][]string{{"container", "inspect", things[0]}, {"network", "inspect", things[1]}, {"volume", "inspect", things[2]}} {
			if _, err := docker(t.Context(), args...); (err == nil) != (box == name+"-theirs") {
				t.Errorf("%s of %s: %v", args[0], box, err)
			}
		}
	}
	if text, err := os.ReadFile(filepath.Join(data, "members")); err != nil || string(text) != "Amara, Bo\n" {
		t.Errorf("the neighbour's bytes: %q, %v", text, err)
	}
}

// place makes a container, a network and a volume of a box.
func place(t *testing.T, box, install, image string) (ids []string) {
	t.Helper()
	labels := []string{"--label", boxLabel + "=" + box, "--label", "coop.coopkit.install=" + install}
	t.Cleanup(func() {
		for _, args := range [][]string{{"rm", "--force", box}, {"network", "rm", box}, {"volume", "rm", box}} {
			_, _ = docker(context.Background(), args...)
		}
	})
	add := func(args ...string) { ids = append(ids, strings.TrimSpace(mustDocker(t, args...))) }
	mustDocker(t, append(append([]string{"network", "create", "--internal"}, labels...), box)...)
	mustDocker(t, append(append([]string{"volume", "create"}, labels...), box)...)
	add(append(append([]string{"create"}, labels...), "--network", box, "--volume", box+":/data", "--name", box, image, "/none")...)
	return append(ids, box, box)
}

func volumeFolder(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(mustDocker(t, "volume", "inspect", "--format", "{{.Mountpoint}}", name))
}

func TestDown_withoutKnowingItsBoxRemovesNothing(t *testing.T) {
	testkit.NeedDocker(t)
	d, _, _ := fakeDemo(t)
	state := filepath.Join(d.dir, "state")
	if err := errors.Join(os.MkdirAll(state, 0o700), os.WriteFile(filepath.Join(state, "coopkit.db"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := d.down(t.Context()); !errors.Is(err, &problem.Problem{Code: "demo-box-unknown"}) || !d.exists() {
		t.Errorf("got %v", err)
	}
}

func mustDocker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := docker(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// emptyImage makes an image with nothing in it.
func emptyImage(t *testing.T, name string) string {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "none", Mode: 0o755, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("docker", "import", "-", name)
	cmd.Stdin = &archive
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker import: %v: %s", err, out)
	}
	t.Cleanup(func() { _, _ = docker(context.Background(), "image", "rm", name) })
	return name
}
