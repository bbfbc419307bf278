// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// realDemo is a demo with the real program, in a folder and at ports of its own.
func realDemo(t *testing.T) *demo {
	t.Helper()
	testkit.NeedDocker(t)
	testkit.NeedProgram(t, "debootstrap")
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "coopkit")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "coopkit/cmd/coopkit")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	at := func() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(testkit.FreePort(t))) }
	return &demo{
		program: program, dir: filepath.Join(dir, ".demo"), site: filepath.Join(root, "installer", "demo-site"), app: "demo-test-" + strconv.Itoa(os.Getpid()),
		https: at(), http: at(), dns: at(), console: at(), desk: at(), began: time.Now(), out: t.Output(), seconds: map[string]float64{},
	}
}

// labelled lists what the engine has of a box.
func labelled(t *testing.T, box string) string {
	t.Helper()
	var left strings.Builder
	for _, list := range [][]string{{"ps", "-aq"}, {"volume", "ls", "-q"}, {"network", "ls", "-q"}} {
		cmd := exec.CommandContext(t.Context(), testkit.NeedProgram(t, "docker"), append(list, "--filter", "label="+boxLabel+"="+box)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		left.Write(out)
	}
	return strings.TrimSpace(left.String())
}

// TestDemo_forReal is "make demo", twice, and "make demo-down": WordPress on the
// real engine, seen from outside over DNS and HTTPS.
func TestDemo_forReal(t *testing.T) {
	d := realDemo(t)
	t.Cleanup(func() {
		if err := d.down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := d.up(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := *d
	again.began = time.Now()
	if err := again.up(t.Context()); err != nil {
		t.Fatal(err)
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
	box, err := d.box()
	if err != nil || labelled(t, box) == "" {
		t.Fatalf("the engine has nothing of the demo's box %q: %v", box, err)
	}
	if err := d.down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := labelled(t, box); left != "" {
		t.Errorf("left behind: %s", left)
	}
	if _, err := os.Stat(d.dir); !os.IsNotExist(err) {
		t.Errorf("the demo's folder is still there: %v", err)
	}
}
