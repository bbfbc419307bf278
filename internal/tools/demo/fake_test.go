// SPDX-License-Identifier: AGPL-3.0-or-later

package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
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
const (
	fakeApp     = "demo-test-app"
	fakeAppRuns = `[{"name":"` + fakeApp + `","state":"running","services":[{"name":"db","state":"starting"}]}]`
)

func fakeCoopkit(dir string, args []string) error {
	args = args[2:] // --socket PATH, or agent run
	if args[0] == "--socket" {
		return fakeAgent(dir, args)
	}
	if _, err := os.Stat(filepath.Join(dir, "status")); err != nil {
		return fmt.Errorf("no agent answers")
	}
	said := strings.Join(args, " ")
	if err := appendLine(filepath.Join(dir, "said"), said); err != nil {
		return err
	}
	switch said {
	case "status":
		return nil
	case "status --json", "name list --json", "app list --json", "site list --json", "job list --json":
		return answer(filepath.Join(dir, args[0]))
	case "name add demo.coop --yes":
		return os.WriteFile(filepath.Join(dir, "name"), []byte(`[{"zone":"demo.coop"}]`), 0o600)
	case "app add wordpress --name " + fakeApp + " --address www.demo.coop --set title=Demo Co-op --set email=steward@demo.coop --yes":
		_, _ = fmt.Fprintln(os.Stdout, "building\nadded")
		return os.WriteFile(filepath.Join(dir, "app"), []byte(fakeAppRuns), 0o600)
	case "app start " + fakeApp:
		return os.WriteFile(filepath.Join(dir, "app"), []byte(fakeAppRuns), 0o600)
	case "app remove " + fakeApp + " --no-export --yes":
		return os.Remove(filepath.Join(dir, "app"))
	}
	return fmt.Errorf("unknown command: %s", said)
}

// answer prints a file as the real one prints its answers.
func answer(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		text = []byte("[]")
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, out.String())
	return err
}

// fakeAgent answers from a moment after its start until it is told to end.
func fakeAgent(dir string, args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if _, err := os.Stat(filepath.Join(dir, "broken")); err == nil {
		return fmt.Errorf("port 53 is taken by unbound")
	}
	status := map[string]string{"ca": "/x/ca.pem", "engine": "Docker Engine 20.10.24"}
	for _, name := range []string{"https", "http", "dns", "console"} {
		status[name] = args[slices.Index(args, "--"+name)+1]
	}
	text, err := json.Marshal(status)
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

// demo is one demo on this machine: the script with what it is to know.
type demo struct {
	t     *testing.T
	dir   string            // DEMO_FOLDER
	world string            // of the fake coopkit
	env   map[string]string // beside those of the test
}

// fakeDemo is a demo with the fake coopkit.
func fakeDemo(t *testing.T) *demo {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{t: t, dir: filepath.Join(t.TempDir(), ".demo"), world: t.TempDir()}
	d.env = map[string]string{
		"FAKE_COOPKIT": d.world, "GORACE": "atexit_sleep_ms=0", // with -race every program waits a second at its end
		"DEMO_FOLDER": d.dir, "DEMO_PROGRAM": program, "DEMO_SITE": filepath.Join(d.world, "www"), "DEMO_APP": fakeApp,
	}
	d.write("www/index.html", "Coopkit")
	t.Cleanup(func() { _, _ = d.bash(context.Background(), "stop agent") })
	return d
}

// write writes a file of the world.
func (d *demo) write(name, text string) {
	d.t.Helper()
	path := filepath.Join(d.world, name)
	temporary := path + ".new"
	for _, err := range []error{os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(temporary, []byte(text), 0o644), os.Rename(temporary, path)} {
		if err != nil {
			d.t.Error(err)
		}
	}
}

// bash runs lines that know the script's functions, or the script itself.
func (d *demo) bash(ctx context.Context, lines string) (string, error) {
	cmd := exec.CommandContext(ctx, "bash", "-c", ". ./demo.sh\n"+lines)
	if strings.HasPrefix(lines, "./demo.sh") {
		cmd = exec.CommandContext(ctx, "bash", strings.Fields(lines)...)
	}
	cmd.Env = os.Environ()
	for name, value := range d.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// do is bash for what has to work, and returns what it said.
func (d *demo) do(lines string) string {
	d.t.Helper()
	out, err := d.bash(d.t.Context(), lines)
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", lines, err, out)
	}
	return out
}

// refused is bash for what must fail, and say why.
func (d *demo) refused(lines string, why ...string) {
	d.t.Helper()
	out, err := d.bash(d.t.Context(), lines)
	if err == nil {
		d.t.Errorf("%s: it worked\n%s", lines, out)
	}
	for _, text := range append(why, "coopkit: ", "why: ", "next: ") {
		if !strings.Contains(out, text) {
			d.t.Errorf("%s: does not say %q:\n%s", lines, text, out)
		}
	}
}

// told is what the fake coopkit was told to change.
func (d *demo) told() (changes []string) {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.world, "said"))
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line != "status\n" && !strings.HasSuffix(line, "--json\n") {
			changes = append(changes, strings.TrimSpace(line))
		}
	}
	return changes
}
