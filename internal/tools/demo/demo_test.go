// SPDX-License-Identifier: AGPL-3.0-or-later

package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/testkit"
)

func TestPorts_areNumbers(t *testing.T) {
	d := fakeDemo(t)
	d.env["DEMO_DNS"] = "6453"
	if got := d.do(`echo $https $http $dns`); got != "127.0.0.1:8443 127.0.0.1:8080 127.0.0.1:6453\n" {
		t.Errorf("listens at %s", got)
	}
	for _, bad := range []string{"0", "-1", "65536", "https", "80 "} {
		d.env["DEMO_HTTPS"] = bad
		d.refused("./demo.sh up", "DEMO_HTTPS is not a port", "“"+bad+"”")
	}
}

func TestURL_leavesOutTheUsualPort(t *testing.T) {
	d := fakeDemo(t)
	for port, want := range map[string]string{"443": "https://a.example/\n", "8443": "https://a.example:8443/\n"} {
		d.env["DEMO_HTTPS"] = port
		if got := d.do("url a.example"); got != want {
			t.Error(got)
		}
	}
}

func TestScript_refusesOtherWords(t *testing.T) {
	for _, words := range []string{"", " sideways", " up down"} {
		fakeDemo(t).refused("./demo.sh"+words, "the demo knows the words up, down and clean")
	}
}

func TestAgent_startsReusesRestartsAndStops(t *testing.T) {
	d := fakeDemo(t)
	start := func() (out, pid string) {
		out = d.do("start_agent && pid agent")
		lines := strings.Fields(out)
		return out, lines[len(lines)-1]
	}
	_, first := start()
	if out, again := start(); again != first || !strings.Contains(out, "it runs already (process "+first+")") {
		t.Errorf("second start: %s", out)
	}
	text, err := os.ReadFile(d.env["DEMO_PROGRAM"])
	if err != nil {
		t.Fatal(err)
	}
	d.env["DEMO_PROGRAM"] = filepath.Join(t.TempDir(), "coopkit")
	if err := os.WriteFile(d.env["DEMO_PROGRAM"], append(text, 0), 0o755); err != nil {
		t.Fatal(err)
	}
	_, rebuilt := start()
	if rebuilt == first {
		t.Error("another build was not started")
	}
	d.env["DEMO_HTTPS"] = "9443"
	if out, moved := start(); moved == rebuilt || d.do("ask status | value https") != "127.0.0.1:9443\n" {
		t.Errorf("start at another port: %s", out)
	}
	if out := d.do("stop agent; pid agent; stop agent"); out != "" {
		t.Errorf("stop: %s", out)
	}
}

func TestAgent_saysWhyItDoesNotStart(t *testing.T) {
	d := fakeDemo(t)
	d.write("broken", "")
	d.refused("start_agent", "the agent of the demo does not run", "port 53 is taken by unbound")
}

func TestPID_leavesOtherProgramsAlone(t *testing.T) {
	d := fakeDemo(t)
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"1", "-1", "no number", "", "999999999", strconv.Itoa(os.Getpid())} {
		if err := os.WriteFile(filepath.Join(d.dir, "agent.pid"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := d.do("pid agent"); out != "" {
			t.Errorf("%q: took process %s for the agent", text, out)
		}
	}
}

func TestSteps_changeNothingTheSecondTime(t *testing.T) {
	d := fakeDemo(t)
	out := d.do("start_agent; add_name; add_app")
	d.do("add_name; add_app")
	want := []string{
		"name add demo.coop --yes",
		"app add wordpress --name " + fakeApp + " --address www.demo.coop --set title=Demo Co-op --set email=steward@demo.coop --yes",
	}
	if diff := cmp.Diff(want, d.told()); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(out, "  | building\n  | added\n") || !strings.Contains(out, "--set 'title=Demo Co-op'") {
		t.Errorf("shows:\n%s", out)
	}
}

func TestAddApp_startsAStoppedOne(t *testing.T) {
	d := fakeDemo(t)
	d.do("start_agent")
	d.write("app", `[{"name":"other","state":"running"},{"name":"`+fakeApp+`","state":"stopped"}]`)
	d.do("add_app")
	if diff := cmp.Diff([]string{"app start " + fakeApp}, d.told()); diff != "" {
		t.Error(diff)
	}
	d.write("app", `[{"name":"`+fakeApp+`","state":"failing"},{"name":"other","state":"running"}]`)
	d.refused("add_app", "WordPress was added but does not run", "“failing”")
}

func TestAddApp_waitsForAnAddThatIsUnderWay(t *testing.T) {
	d := fakeDemo(t)
	d.do("start_agent")
	d.write("app", fakeAppRuns) // as it looks before its job ends
	d.write("job", `[{"id":2,"kind":"add","subject":"app:`+fakeApp+`","state":"running"}]`)
	undone := time.AfterFunc(500*time.Millisecond, func() {
		d.write("app", `[]`)
		d.write("job", `[{"id":2,"kind":"add","subject":"app:`+fakeApp+`","state":"undone"}]`)
	})
	defer undone.Stop()
	d.do("add_app")
	if said := d.told(); len(said) != 1 || !strings.HasPrefix(said[0], "app add wordpress") {
		t.Errorf("told it %q", said)
	}
}

func TestPushSite_publishesOnlyWhatChanged(t *testing.T) {
	d := fakeDemo(t)
	d.do("start_agent")
	d.write("site", `[{"host":"demo.coop","version":3,"files":1,"bytes":7}]`)
	d.do("push_site")
	d.write("www/more.html", "x")
	d.refused("push_site", "this command of the demo failed: coopkit site push", "unknown command: site push") // the fake does not know it
	if diff := cmp.Diff([]string{"site push " + d.env["DEMO_SITE"] + " demo.coop --yes"}, d.told()); diff != "" {
		t.Error(diff)
	}
}

// TestUp_interruptedSaysHowToGoOn: with Ctrl-C a terminal tells all of it.
func TestUp_interruptedSaysHowToGoOn(t *testing.T) {
	d := fakeDemo(t)
	d.write("job", `[{"id":2,"kind":"add","subject":"app:`+fakeApp+`","state":"running"}]`)
	cmd := exec.Command("bash", "./demo.sh", "up")
	cmd.Env = os.Environ()
	for name, value := range d.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "it waits for the job", func() bool {
		text, _ := os.ReadFile(filepath.Join(d.world, "said"))
		return strings.Contains(string(text), "job list")
	})
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if ended, ok := errors.AsType[*exec.ExitError](err); !ok || ended.ExitCode() != 130 || !strings.Contains(out.String(), "next: make demo, to go on") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestReport_writesTheSummaryForItsOwnerOnly(t *testing.T) {
	d := fakeDemo(t)
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d.env["DEMO_BEGAN"] = strconv.FormatInt(time.Now().Add(-90*time.Second).Unix(), 10)
	out := d.do(`ca=/x/ca.pem runs_on='Docker Engine 20.10.24' signin=https://www.demo.coop:8443/wp-login.php user=owner password=s3cret
		console_url=https://127.0.0.1:8420/setup token=7K2M-9QX4 desk_password=t0p
		step app "Add WordPress" true
		report`)
	path := filepath.Join(d.dir, "summary.json")
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if total, ok := got["seconds"].(map[string]any)["total"].(float64); !ok || total < 90 || total > 100 {
		t.Errorf("total %v", total)
	}
	delete(got["seconds"].(map[string]any), "total")
	want := map[string]any{
		"dns": "127.0.0.1:5453", "https": "127.0.0.1:8443", "ca": "/x/ca.pem",
		"apps": []any{map[string]any{
			"name": fakeApp, "url": "https://www.demo.coop:8443/", "admin": map[string]any{"user": "owner", "password": "s3cret"},
		}},
		"sites":   []any{map[string]any{"url": "https://demo.coop:8443/"}},
		"console": map[string]any{"url": "https://127.0.0.1:8420", "token": "7K2M-9QX4", "ca": "/x/ca.pem"},
		"desk":    map[string]any{"url": "https://127.0.0.1:8430", "user": "jonas", "password": "t0p", "ca": d.dir + "/desk/ca/root.crt"},
		"seconds": map[string]any{"app": 0.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, s := range []string{"s3cret", "7K2M-9QX4", "t0p", "curl --cacert /x/ca.pem --resolve www.demo.coop:8443:127.0.0.1", "make demo-down", "after 9"} {
		if !strings.Contains(out, s) {
			t.Errorf("does not say %q:\n%s", s, out)
		}
	}
}
