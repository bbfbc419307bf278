// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is also the coopkit of these tests: with FAKE_COOPKIT set it
// keeps what it is told in that folder and answers like the real one.
func TestMain(m *testing.M) {
	if dir := os.Getenv("FAKE_COOPKIT"); dir != "" {
		if err := fakeCoopkit(dir, os.Args[1:]); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "coopkit:", err)
			os.Exit(1) //nolint:forbidigo // here the test binary is coopkit, which exits so
		}
		return
	}
	m.Run()
}

// fakeApp is a name that no box has: what a test removes is never anybody's.
const fakeApp = "demo-test-app"

var fakeAppRuns = []byte(`[{"name":"` + fakeApp + `","state":"running"}]`)

func fakeCoopkit(dir string, args []string) error {
	if args[0] == "agent" {
		return fakeAgent(dir, args)
	}
	args = args[2:] // --socket PATH
	running, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return fmt.Errorf("no agent answers")
	}
	said := strings.Join(args, " ")
	if err := appendLine(filepath.Join(dir, "said"), said); err != nil {
		return err
	}
	switch said {
	case "status --json":
		_, err = os.Stdout.Write(running)
		return err
	case "name list --json", "app list --json", "site list --json", "job list --json":
		list, err := os.ReadFile(filepath.Join(dir, args[0]))
		if err != nil {
			list = []byte("[]")
		}
		_, err = os.Stdout.Write(list)
		return err
	case "name add demo.coop --yes":
		return os.WriteFile(filepath.Join(dir, "name"), []byte(`[{"zone":"demo.coop"}]`), 0o600)
	case "app add wordpress --name " + fakeApp + " --address www.demo.coop --set title=Demo Co-op --set email=steward@demo.coop --yes":
		_, _ = fmt.Fprintln(os.Stdout, "building\nadded")
		return os.WriteFile(filepath.Join(dir, "app"), fakeAppRuns, 0o600)
	case "app start " + fakeApp:
		return os.WriteFile(filepath.Join(dir, "app"), fakeAppRuns, 0o600)
	case "app remove " + fakeApp + " --no-export --yes":
		return os.Remove(filepath.Join(dir, "app"))
	}
	return fmt.Errorf("unknown command: %s", said)
}

// fakeAgent answers from a moment after its start until it is told to end.
func fakeAgent(dir string, args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if _, err := os.Stat(filepath.Join(dir, "broken")); err == nil {
		return fmt.Errorf("port 53 is taken by unbound")
	}
	value := func(flag string) string { return args[slices.Index(args, flag)+1] }
	text, err := json.Marshal(status{PID: os.Getpid(), Started: time.Now(), HTTPS: value("--https"), HTTP: value("--http"), DNS: value("--dns"), Console: value("--console")})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "status"), text, 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	return os.Remove(filepath.Join(dir, "status"))
}

func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, line+"\n")
	_ = f.Close()
	return err
}

// fakeDemo is a demo with the fake coopkit; told returns what it was told.
func fakeDemo(t *testing.T) (d *demo, out *bytes.Buffer, world string) {
	t.Helper()
	world = t.TempDir()
	t.Setenv("FAKE_COOPKIT", world)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // with -race every program waits a second at its end
	out = &bytes.Buffer{}
	site := filepath.Join(world, "www")
	if err := os.Mkdir(site, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(site, "index.html"), []byte("Coopkit"), 0o644); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d = &demo{
		program: program, dir: filepath.Join(t.TempDir(), ".demo"), site: site, app: fakeApp, out: out, seconds: map[string]float64{},
		https: "127.0.0.1:8443", http: "127.0.0.1:8080", dns: "127.0.0.1:5453", console: "127.0.0.1:8420", desk: "127.0.0.1:8430", began: time.Now(),
	}
	t.Cleanup(func() { _ = d.agent().stop(context.Background()) })
	return d, out, world
}

func told(t *testing.T, world string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world, "said"))
	if err != nil {
		t.Fatal(err)
	}
	var changes []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "--json\n") {
			changes = append(changes, strings.TrimSpace(line))
		}
	}
	return changes
}
