// SPDX-License-Identifier: AGPL-3.0-or-later

package demo

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"coopkit/internal/testkit"
)

// realDemo is a demo with the real program, in a folder and at ports of its own.
func realDemo(t *testing.T) *demo {
	t.Helper()
	testkit.NeedDocker(t)
	testkit.NeedProgram(t, "debootstrap")
	dir := t.TempDir()
	program := filepath.Join(dir, "coopkit")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "coopkit/cmd/coopkit")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	d := &demo{t: t, dir: filepath.Join(dir, ".demo")}
	d.env = map[string]string{"DEMO_FOLDER": d.dir, "DEMO_PROGRAM": program, "DEMO_APP": "demo-test-" + strconv.Itoa(os.Getpid())}
	for _, name := range []string{"DEMO_HTTPS", "DEMO_HTTP", "DEMO_DNS", "DEMO_CONSOLE", "DEMO_DESK"} {
		d.env[name] = strconv.Itoa(testkit.FreePort(t))
	}
	return d
}

// labelled lists what the engine has of a box.
func labelled(t *testing.T, box string) string {
	t.Helper()
	var left []string
	for _, list := range [][]string{{"ps", "-aq"}, {"volume", "ls", "-q"}, {"network", "ls", "-q"}} {
		left = append(left, strings.Fields(docker(t, append(list, "--filter", "label="+boxLabel+"="+box)...))...)
	}
	return strings.Join(left, " ")
}

// TestDemo_forReal is "make demo", twice, and "make demo-down": WordPress on the
// real engine, seen from outside over DNS and HTTPS.
func TestDemo_forReal(t *testing.T) {
	d := realDemo(t)
	t.Cleanup(func() {
		if out, err := d.bash(context.WithoutCancel(t.Context()), "./demo.sh down"); err != nil {
			t.Error(err, out)
		}
	})
	t.Log(d.do("./demo.sh up"))
	again := d.do("./demo.sh up")
	t.Log(again)
	for _, text := range []string{"it runs already", "it has it already", "it is there already", "it is published already", "it has joined already"} {
		if !strings.Contains(again, text) {
			t.Errorf("the second time it does not say %q", text)
		}
	}
	text, err := os.ReadFile(filepath.Join(d.dir, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var summary struct {
		DNS, HTTPS, CA string
		Apps           []struct {
			Name, URL string
			Admin     struct{ User, Password string }
		}
		Sites   []struct{ URL string }
		Seconds map[string]float64
	}
	if err := json.Unmarshal(text, &summary); err != nil {
		t.Fatal(err)
	}
	if summary.DNS == "" || summary.HTTPS == "" || summary.CA == "" || len(summary.Apps) != 1 || summary.Apps[0].Admin.Password == "" ||
		len(summary.Sites) != 1 || len(summary.Seconds) == 0 {
		t.Errorf("summary %s", text)
	}
	people := d.do(`deskly() { coopkit desk "$@" --state "$dir/desk"; }; deskly coop list; deskly user list`)
	if strings.Count(people, "(demo data)") != 2 {
		t.Errorf("the desk does not say that its people are the demo's: %s", people)
	}
	box, err := os.ReadFile(filepath.Join(d.dir, "state", "box"))
	name := strings.TrimSpace(string(box))
	if err != nil || labelled(t, name) == "" {
		t.Fatalf("the engine has nothing of the demo's box %q: %v", name, err)
	}
	d.do("./demo.sh down")
	if left := labelled(t, name); left != "" {
		t.Errorf("left behind: %s", left)
	}
	if _, err := os.Stat(d.dir); !os.IsNotExist(err) {
		t.Errorf("the demo's folder is still there: %v", err)
	}
}
