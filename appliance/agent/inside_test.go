// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

// testImage gives every service the test app.
type testImage struct{ image appliance.Image }

func (i testImage) Ensure(context.Context, *recipes.Recipe, string, string, appliance.ImageSource, appliance.Progress) (appliance.Image, error) {
	return i.image, nil
}

// TestInside_anAppReachesItsOwnAddress: the agent listens on loopback alone, and
// nobody knows the names but the containers. From inside an app its own address
// answers over HTTPS, and so does another app's to nobody.
func TestInside_anAppReachesItsOwnAddress(t *testing.T) {
	testkit.NeedDocker(t)
	cfg := config(t)
	cfg.Engine = ""
	cfg.HTTPS, cfg.HTTP = "127.0.0.1:"+strconv.Itoa(testkit.FreePort(t)), "127.0.0.1:"+strconv.Itoa(testkit.FreePort(t))
	r := run(t, cfg)
	b := r.agent.backend
	catalogue, err := recipes.LoadCatalogue(os.DirFS("../apps/testdata"), "catalogue")
	if err != nil {
		t.Fatal(err)
	}
	b.apps.Catalogue, b.apps.Images = catalogue, testImage{enginetest.TestImage(t, b.engine)}
	name := "inside-" + strconv.Itoa(os.Getpid())
	for _, install := range []string{name, name + "-other"} {
		job, err := r.Apps.Add(t.Context(), appliance.AddApp{Recipe: "echo", Name: install, Host: install + ".demo.coop"})
		t.Cleanup(func() { r.clear(t, appliance.InstallName(install)) })
		r.done(t, job, err)
	}
	own, want := fmt.Sprintf("https://%s.demo.coop:%d/", name, cfg.publicPort()), "200 OK\nhello steward"
	if got := r.inside(t, name, "get", own); got != want {
		t.Errorf("from inside its address answers %q", got)
	}
	if got := r.inside(t, name, "find", name+"-other.demo.coop"); !strings.Contains(got, "no such host") {
		t.Errorf("from inside another app is found: %q", got)
	}
	job, err := r.Apps.Remove(t.Context(), appliance.RemoveApp{Name: name + "-other", NoExport: true})
	r.done(t, job, err)
	if got := r.inside(t, name, "get", own); got != want {
		t.Errorf("when another app was removed its address answers %q", got)
	}
	job, err = r.Apps.Remove(t.Context(), appliance.RemoveApp{Name: name, NoExport: true})
	r.done(t, job, err)
}

// inside runs the test app once more in a container and returns what it said.
func (r *running) inside(t *testing.T, install string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := r.agent.backend.engine.Exec(t.Context(), appliance.InstallName(install), engine.Exec{
		Service: "app", Command: append([]string{"/app"}, args...), Stdout: &out, Stderr: &out,
	}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

// clear removes an install from the engine, whatever became of it.
func (r *running) clear(t *testing.T, install appliance.InstallName) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	have, err := r.agent.backend.engine.Observe(ctx, install)
	if err != nil {
		t.Error(err)
		return
	}
	if err := engine.Apply(ctx, r.agent.backend.engine, engine.Teardown(have, false), appliance.Quiet{}); err != nil {
		t.Error(err)
	}
}
