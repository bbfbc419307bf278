// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	if diff := cmp.Diff("app remove wordpress --no-export --yes", changes[len(changes)-1]); diff != "" {
		t.Error(diff)
	}
	if d.exists() || d.agent().pid() != 0 {
		t.Error("something is left")
	}
	if err := d.down(t.Context()); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestInstalls_areThoseThatTheApplianceNamed(t *testing.T) {
	d, _, world := fakeDemo(t)
	if got := d.installs(t.Context()); len(got) != 0 {
		t.Errorf("a new one has %v", got)
	}
	if err := os.WriteFile(filepath.Join(world, "app"), []byte(`[{"name":"wordpress"},{"name":"wiki"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"wordpress", "wiki"}
	if diff := cmp.Diff(want, d.installs(t.Context())); diff != "" {
		t.Error(diff)
	}
	if err := d.agent().stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(world, "broken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, d.installs(t.Context())); diff != "" {
		t.Errorf("when it does not start: %s", diff)
	}
}

func TestSweep_removesByLabelOnly(t *testing.T) {
	testkit.NeedDocker(t)
	testkit.NeedProgram(t, "docker")
	name := "coopkit-demo-test-" + strconv.Itoa(os.Getpid())
	image := emptyImage(t, name)
	for _, install := range []string{name, name + "-other"} {
		label := installLabel + "=" + install
		mustDocker(t, "volume", "create", "--label", label, install)
		mustDocker(t, "network", "create", "--internal", "--label", label, install)
		mustDocker(t, "create", "--label", label, "--network", install, "--volume", install+":/data", "--name", install, image, "/none")
	}
	d, _, _ := fakeDemo(t)
	t.Cleanup(func() { _ = d.sweep(context.Background(), name+"-other") })
	if err := d.sweep(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	for install, want := range map[string]int{name: 0, name + "-other": 3} {
		filter := "label=" + installLabel + "=" + install
		left := mustDocker(t, "ps", "-aq", "--filter", filter) + mustDocker(t, "network", "ls", "-q", "--filter", filter) + mustDocker(t, "volume", "ls", "-q", "--filter", filter)
		if got := len(strings.Fields(left)); got != want {
			t.Errorf("%d things of %s are left, want %d", got, install, want)
		}
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
