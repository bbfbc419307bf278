// SPDX-License-Identifier: AGPL-3.0-or-later

package demo

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/testkit"
)

// boxLabel is what the appliance marks what it makes with.
const boxLabel = "coop.coopkit.box"

func TestDown_asksTheApplianceThenLeavesNoFile(t *testing.T) {
	testkit.NeedDocker(t)
	d := fakeDemo(t)
	d.do("start_agent; add_app; stop agent")
	d.do("./demo.sh down")
	changes := d.told()
	if diff := cmp.Diff("app remove "+fakeApp+" --no-export --yes", changes[len(changes)-1]); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(d.dir); err == nil || d.do("pid agent") != "" {
		t.Error("something is left")
	}
	if out := d.do("./demo.sh down"); out != "  there is no demo here\n" {
		t.Errorf("a second time: %s", out)
	}
}

// TestDown_keepsWhatStopsTheEngine: the machine's script has it there.
func TestDown_keepsWhatStopsTheEngine(t *testing.T) {
	d := fakeDemo(t)
	d.write("broken", "") // and the appliance does not start
	if err := os.MkdirAll(filepath.Join(d.dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "engine.pid"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := d.do("./demo.sh down")
	left, err := os.ReadDir(d.dir)
	if err != nil || len(left) != 1 || left[0].Name() != "engine.pid" || !strings.Contains(out, "the demo is gone") {
		t.Errorf("left: %v, %v\n%s", left, err, out)
	}
}

// TestDown_leavesOtherBoxesAlone: a neighbour with an app of the same name, and
// bytes in its volume, is as before, whether the demo's appliance removed its
// own or the sweep had to.
func TestDown_leavesOtherBoxesAlone(t *testing.T) {
	testkit.NeedDocker(t)
	name := "coopkit-demo-test-" + strconv.Itoa(os.Getpid())
	image := emptyImage(t, name)
	for _, box := range []string{name + "-ours", name + "-theirs"} {
		place(t, box, image)
	}
	data := docker(t, "volume", "inspect", "--format", "{{.Mountpoint}}", name+"-theirs")
	if err := os.WriteFile(filepath.Join(data, "members"), []byte("Amara, Bo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := fakeDemo(t)
	d.do("start_agent")
	d.write("app", fakeAppRuns)
	d.state("box", name+"-ours\n")
	if out := d.do("./demo.sh clean"); !strings.Contains(out, "the images stay: another box uses this engine ("+name+"-theirs") &&
		!strings.Contains(out, " "+name+"-theirs") {
		t.Errorf("it says %s", out)
	}
	for _, kind := range []string{"container", "network", "volume"} {
		for _, box := range []string{name + "-ours", name + "-theirs"} {
			err := exec.CommandContext(t.Context(), "docker", kind, "inspect", box).Run()
			if (err == nil) != (box == name+"-theirs") {
				t.Errorf("%s of %s: %v", kind, box, err)
			}
		}
	}
	if text, err := os.ReadFile(filepath.Join(data, "members")); err != nil || string(text) != "Amara, Bo\n" {
		t.Errorf("the neighbour's bytes: %q, %v", text, err)
	}
}

// place makes a container, a network and a volume of a box, all called as it is.
func place(t *testing.T, box, image string) {
	t.Helper()
	t.Cleanup(func() {
		for _, args := range [][]string{{"rm", "--force", box}, {"network", "rm", box}, {"volume", "rm", box}} {
			_ = exec.Command("docker", args...).Run()
		}
	})
	labels := []string{"--label", boxLabel + "=" + box, "--label", "coop.coopkit.install=" + fakeApp}
	docker(t, append(append([]string{"network", "create", "--internal"}, labels...), box)...)
	docker(t, append(append([]string{"volume", "create"}, labels...), box)...)
	docker(t, append(append([]string{"create"}, labels...), "--network", box, "--volume", box+":/data", "--name", box, image, "/none")...)
}

func TestDown_withoutKnowingItsBoxRemovesNothing(t *testing.T) {
	testkit.NeedDocker(t)
	d := fakeDemo(t)
	d.state("coopkit.db", "")
	d.refused("./demo.sh down", "nothing was removed from the container engine", filepath.Join(d.dir, "state", "box"))
	if _, err := os.Stat(filepath.Join(d.dir, "state", "coopkit.db")); err != nil {
		t.Error(err)
	}
}

// state writes a file of the appliance.
func (d *demo) state(name, text string) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Join(d.dir, "state"), 0o700); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "state", name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
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
	t.Cleanup(func() { _ = exec.Command("docker", "image", "rm", name).Run() })
	return name
}
