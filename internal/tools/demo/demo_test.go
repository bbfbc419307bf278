// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/atomicfile"
	"coopkit/internal/problem"
)

func TestNewDemo_readsPorts(t *testing.T) {
	env := map[string]string{"DEMO_DNS": "6453", "DEMO_BEGAN": "1000000000"}
	d, err := newDemo(io.Discard, func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	if got := []string{d.https, d.http, d.dns}; !slices.Equal(got, []string{"127.0.0.1:8443", "127.0.0.1:8080", "127.0.0.1:6453"}) {
		t.Errorf("listens at %v", got)
	}
	if d.began.Unix() != 1000000000 {
		t.Errorf("began %v", d.began)
	}
	for _, bad := range []string{"0", "-1", "65536", "https", "80 "} {
		env["DEMO_HTTPS"] = bad
		if _, err := newDemo(io.Discard, func(k string) string { return env[k] }); !errors.Is(err, &problem.Problem{Code: "demo-port-invalid"}) {
			t.Errorf("port %q: %v", bad, err)
		}
	}
}

func TestURL_leavesOutTheUsualPort(t *testing.T) {
	if got := (&demo{https: "127.0.0.1:443"}).url("a.example"); got != "https://a.example/" {
		t.Error(got)
	}
	if got := (&demo{https: "127.0.0.1:8443"}).url("a.example"); got != "https://a.example:8443/" {
		t.Error(got)
	}
}

func TestRun_refusesOtherWords(t *testing.T) {
	for _, args := range [][]string{nil, {"sideways"}, {"up", "down"}} {
		if err := run(t.Context(), args); !errors.Is(err, &problem.Problem{Code: "demo-usage"}) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestAgent_startsReusesRestartsAndStops(t *testing.T) {
	d, out, _ := fakeDemo(t)
	first, err := d.startAgent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.PID != d.agent().pid() || first.HTTPS != d.https {
		t.Errorf("status %+v, pid file says %d", first, d.agent().pid())
	}
	again, err := d.startAgent(t.Context())
	if err != nil || again.PID != first.PID || !strings.Contains(out.String(), "runs already") {
		t.Errorf("second start: %+v, %v\n%s", again, err, out)
	}
	copied := filepath.Join(t.TempDir(), "coopkit")
	text, err := os.ReadFile(d.program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, append(text, 0), 0o755); err != nil {
		t.Fatal(err)
	}
	d.program = copied
	rebuilt, err := d.startAgent(t.Context())
	if err != nil || rebuilt.PID == first.PID {
		t.Errorf("start of another build: %+v, %v", rebuilt, err)
	}
	d.https = "127.0.0.1:9443"
	moved, err := d.startAgent(t.Context())
	if err != nil || moved.PID == rebuilt.PID || moved.HTTPS != "127.0.0.1:9443" {
		t.Errorf("start at another port: %+v, %v", moved, err)
	}
	if err := d.agent().stop(t.Context()); err != nil || d.agent().pid() != 0 {
		t.Errorf("stop: %v, pid %d", err, d.agent().pid())
	}
	if err := d.agent().stop(t.Context()); err != nil {
		t.Errorf("stop again: %v", err)
	}
}

func TestAgent_saysWhyItDoesNotStart(t *testing.T) {
	d, _, world := fakeDemo(t)
	if err := os.WriteFile(filepath.Join(world, "broken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := d.startAgent(t.Context())
	if !errors.Is(err, &problem.Problem{Code: "demo-part-silent"}) || !strings.Contains(err.Error(), "port 53 is taken by unbound") {
		t.Errorf("got %v", err)
	}
}

func TestAgentPID_leavesOtherProgramsAlone(t *testing.T) {
	d, _, _ := fakeDemo(t)
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"1", "-1", "no number", "", "999999999"} {
		if err := os.WriteFile(d.agent().pidFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if pid := d.agent().pid(); pid != 0 {
			t.Errorf("%q: took process %d for the agent", text, pid)
		}
	}
	if err := os.WriteFile(d.agent().pidFile(), []byte(jsonText(t, os.Getpid())), 0o600); err != nil {
		t.Fatal(err)
	}
	if d.agent().pid() != 0 {
		t.Error("took this test for the agent")
	}
}

func TestSteps_changeNothingTheSecondTime(t *testing.T) {
	d, out, world := fakeDemo(t)
	if _, err := d.startAgent(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := errors.Join(d.addName(t.Context()), d.addApp(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"name add demo.coop --yes",
		"app add wordpress --name " + fakeApp + " --address www.demo.coop --set title=Demo Co-op --set email=steward@demo.coop --yes",
	}
	if diff := cmp.Diff(want, told(t, world)); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(out.String(), "  | building\n  | added\n") || !strings.Contains(out.String(), "--set 'title=Demo Co-op'") {
		t.Errorf("shows:\n%s", out)
	}
}

func TestAddApp_startsAStoppedOne(t *testing.T) {
	d, _, world := fakeDemo(t)
	if _, err := d.startAgent(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(world, "app"), []byte(`[{"name":"`+fakeApp+`","state":"stopped"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.addApp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app start " + fakeApp}, told(t, world)); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(filepath.Join(world, "app"), []byte(`[{"name":"`+fakeApp+`","state":"failing"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.addApp(t.Context()); !errors.Is(err, &problem.Problem{Code: "demo-app-not-running"}) {
		t.Errorf("a failing app: %v", err)
	}
}

func TestAddApp_waitsForAnAddThatIsUnderWay(t *testing.T) {
	d, _, world := fakeDemo(t)
	if _, err := d.startAgent(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := atomicfile.Write(filepath.Join(world, name), []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	write("app", `[{"name":"`+fakeApp+`","state":"running"}]`) // as it looks before its job ends
	write("job", `[{"id":2,"kind":"add","subject":"app:`+fakeApp+`","state":"running"}]`)
	undone := time.AfterFunc(300*time.Millisecond, func() {
		write("app", `[]`)
		write("job", `[{"id":2,"kind":"add","subject":"app:`+fakeApp+`","state":"undone"}]`)
	})
	defer undone.Stop()
	if err := d.addApp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said := told(t, world); len(said) != 1 || !strings.HasPrefix(said[0], "app add wordpress") {
		t.Errorf("told it %q", said)
	}
}

func TestPushSite_publishesOnlyWhatChanged(t *testing.T) {
	d, out, world := fakeDemo(t)
	if _, err := d.startAgent(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(world, "site"), []byte(`[{"host":"demo.coop","version":3,"files":1,"bytes":7}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.pushSite(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.site, "more.html"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := d.pushSite(t.Context()) // the fake does not know this command
	if !errors.Is(err, &problem.Problem{Code: "demo-command-failed"}) || !strings.Contains(out.String(), "unknown command: site push") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"site push " + d.site + " demo.coop --yes"}, told(t, world)); diff != "" {
		t.Error(diff)
	}
}

func TestReport_writesTheSummaryForItsOwnerOnly(t *testing.T) {
	d, out, _ := fakeDemo(t)
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d.seconds["app"] = 61.2
	d.began = time.Now().Add(-90 * time.Second)
	login := signin{URL: "https://www.demo.coop:8443/wp-login.php", User: "owner", Password: "s3cret"}
	err := d.report(status{CA: "/x/ca.pem", Engine: "Docker Engine 20.10.24"}, login,
		access{URL: "https://127.0.0.1:8420/setup", Token: "7K2M-9QX4"}, deskLogin{URL: "https://127.0.0.1:8430", User: "jonas", Password: "t0p"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.dir, "summary.json")
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"dns":"127.0.0.1:5453","https":"127.0.0.1:8443","ca":"/x/ca.pem",` +
		`"apps":[{"name":"` + fakeApp + `","url":"https://www.demo.coop:8443/","admin":{"user":"owner","password":"s3cret"}}],` +
		`"sites":[{"url":"https://demo.coop:8443/"}],` +
		`"console":{"url":"https://127.0.0.1:8420","token":"7K2M-9QX4","ca":"/x/ca.pem"},` +
		`"desk":{"url":"https://127.0.0.1:8430","user":"jonas","password":"t0p","ca":"` + d.deskCA() + `"},` +
		`"seconds":{"app":61.2,"total":90}}`
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, compact.String()); diff != "" {
		t.Error(diff)
	}
	for _, s := range []string{"s3cret", "7K2M-9QX4", "t0p", "curl --cacert /x/ca.pem --resolve www.demo.coop:8443:127.0.0.1", "make demo-down"} {
		if !strings.Contains(out.String(), s) {
			t.Errorf("does not say %q:\n%s", s, out)
		}
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
