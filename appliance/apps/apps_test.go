// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/say"
	"coopkit/internal/forwarded"
	"coopkit/internal/locale"
	"coopkit/internal/problem"
)

func TestAdd_endsWithAnOwnerAndAnAddress(t *testing.T) {
	t.Parallel()
	var seen atomic.Pointer[http.Request]
	b, fake := fakeBox(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen.Store(r); fine(w, r) }))
	job, err := b.Add(t.Context(), echo)
	job = b.follow(t, job, err)
	if job.State != appliance.JobDone {
		t.Fatalf("job %s: %v", job.State, job.Problem)
	}
	in, err := b.store.Install(t.Context(), "echo")
	if err != nil || !in.HasOwner || in.Release != 1 {
		t.Fatalf("install %+v, %v", in, err)
	}
	as := http.Header{} // as the front door asks
	forwarded.Visit{IP: stranger, Scheme: "https", Authority: "echo.demo.coop:8443"}.Set(as)
	r := seen.Load()
	if r.Host != "echo.demo.coop:8443" {
		t.Errorf("the app was asked as %s", r.Host)
	}
	for name := range as {
		if r.Header.Get(name) != as.Get(name) {
			t.Errorf("the app was asked with %s: %s, not %s", name, r.Header.Get(name), as.Get(name))
		}
	}
	signin, err := b.Signin(t.Context(), "echo")
	if err != nil || signin.User != "steward" || len(signin.Password) != 24 || signin.URL != "https://echo.demo.coop:8443/signin" {
		t.Errorf("sign-in %+v, %v", signin, err)
	}
	ends, err := b.Endpoints(t.Context())
	if err != nil || len(ends) != 1 || !ends[0].Open || ends[0].Target.Port() != 8080 || !in.Subnet.Contains(ends[0].Target.Addr()) {
		t.Errorf("endpoints %+v, %v", ends, err)
	}
	var secretExecs int
	for _, c := range fake.Calls() {
		if strings.Contains(c.Thing, signin.Password) {
			secretExecs++
		}
	}
	if secretExecs > 0 {
		t.Errorf("the password stands in %d records of calls", secretExecs)
	}
	app, err := b.Show(t.Context(), "echo")
	if err != nil || app.State != "running" || len(app.Services) != 2 || app.Title != "Echo" {
		t.Errorf("shown as %+v, %v", app, err)
	}
}

func TestAdd_failureLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"CreateNetwork", "CreateVolume", "CreateContainer", "StartContainer", "Exec"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			b, fake := fakeBox(t, fine)
			fake.FailNext(op, errors.New("no luck"))
			job, err := b.Add(t.Context(), echo)
			job = b.follow(t, job, err)
			if job.State != appliance.JobUndone || job.Problem == nil {
				t.Errorf("job %s, problem %v", job.State, job.Problem)
			}
			b.nothingLeft(t, "echo")
			again, err := b.Add(t.Context(), echo)
			if again = b.follow(t, again, err); again.State != appliance.JobDone {
				t.Errorf("trying again: %s %v", again.State, again.Problem)
			}
		})
	}
}

func TestAdd_refusesBeforeAnythingChanges(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	before := len(fake.Calls())
	for code, req := range map[string]appliance.AddApp{
		"recipe-unknown":       {Recipe: "ecko", Host: "a.demo.coop"},
		"host-name-invalid":    {Recipe: "echo", Name: "other", Host: "demo coop"},
		"install-name-invalid": {Recipe: "echo", Name: "Other!", Host: "a.demo.coop"},
		"install-exists":       {Recipe: "echo", Host: "a.demo.coop"},
		"address-taken":        {Recipe: "echo", Name: "other", Host: "echo.demo.coop"},
		"setting-invalid":      {Recipe: "echo", Name: "other", Host: "a.demo.coop", Settings: map[string]string{"colour": "red"}},
		"plan-changed":         {Recipe: "echo", Name: "other", Host: "a.demo.coop", PlanHash: "0000"},
	} {
		_, err := b.Add(t.Context(), req)
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || p.Code != code || len(p.Next) == 0 {
			t.Errorf("%+v: %v; want %s", req, err, code)
		}
	}
	if after := len(fake.Calls()); after != before {
		t.Errorf("%d calls changed the engine", after-before)
	}
}

func TestAdd_refusesWithoutRoomAndOverForgottenData(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	if err := fake.CreateVolume(t.Context(), "echo", "data"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.PlanAdd(t.Context(), echo); !errors.Is(err, leftovers("echo")) {
		t.Errorf("over forgotten data: %v", err)
	}
	b.Room = func() (Room, error) { return Room{DiskBytes: 1 << 20}, nil }
	other := echo
	other.Name = "other"
	if _, err := b.PlanAdd(t.Context(), other); !errors.Is(err, &problem.Problem{Code: "disk-too-small"}) {
		t.Errorf("without room: %v", err)
	}
}

func TestPlanAdd_showsEverythingAndNoSecret(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	plan, err := b.PlanAdd(t.Context(), echo)
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.PlanAdd(t.Context(), echo)
	if err != nil || again.Hash != plan.Hash || plan.Hash == "" {
		t.Errorf("the same question gives plans %q and %q, %v", plan.Hash, again.Hash, err)
	}
	job, err := b.Add(t.Context(), echo)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range job.Steps { // one list
		if i >= len(plan.Steps) || s.Name != plan.Steps[i].Name || s.Code != plan.Steps[i].Code || !maps.Equal(s.Args, plan.Steps[i].Args) {
			t.Errorf("step %d of the job, %s, is not in the plan: %v", i+1, s.Name, plan.Steps)
		}
	}
	job = b.follow(t, job, nil)
	bundle, err := locale.New(say.Files())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range job.Steps { // each says what it did; names and door are stand-ins here
		if s.Code != appliance.StepPointName && s.Code != appliance.StepCertificates && say.Fact(bundle.In("en"), s) == "" {
			t.Errorf("step %s says nothing: %+v", s.Name, s.Notes)
		}
	}
	if plan.Space.Needs == 0 || plan.Space.Free == 0 {
		t.Errorf("space %+v", plan.Space)
	}
	var lines []string
	for _, l := range plan.Lines {
		lines = append(lines, l.String())
		if !slices.Contains(appliance.Deeds[l.Verb], l.Kind) {
			t.Errorf("nobody has declared what %q does, so there are no words for it", l)
		}
	}
	const image = " → registry.example/echo:1.0.0@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	want := []string{
		"fetch image app" + image, "fetch image helper" + image,
		"create network Echo → 10.213.0.0/27", "create volume data → coopkit-echo_data",
		"create container helper" + image, "create container app" + image,
		"start container helper", "wait container helper", "start container app",
		"create account", "create record echo.demo.coop → 300 A 192.0.2.7", "open address https://echo.demo.coop:8443",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

func TestStopStartRestart(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	for _, c := range []struct {
		do   func() (appliance.Job, error)
		want string
	}{
		{func() (appliance.Job, error) { return b.Stop(t.Context(), "echo") }, "stopped"},
		{func() (appliance.Job, error) { return b.Start(t.Context(), "echo") }, "running"},
		{func() (appliance.Job, error) { return b.Restart(t.Context(), "echo") }, "running"},
	} {
		job, err := c.do()
		if job = b.follow(t, job, err); job.State != appliance.JobDone {
			t.Fatalf("%s: %s %v", job.Kind, job.State, job.Problem)
		}
		if app, err := b.Show(t.Context(), "echo"); err != nil || app.State != c.want {
			t.Errorf("after %s: %s, %v", job.Kind, app.State, err)
		}
	}
}

func TestReconcile_putsBackWhatIsGone(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	calls := len(fake.Calls())
	b.Reconcile(t.Context())
	if more := fake.Calls()[calls:]; len(more) > 0 {
		t.Errorf("nothing was wrong, and yet: %v", more)
	}
	if err := errors.Join(fake.StopContainer(t.Context(), "echo", "app"), fake.RemoveContainer(t.Context(), "echo", "app")); err != nil {
		t.Fatal(err)
	}
	b.Reconcile(t.Context())
	if app, err := b.Show(t.Context(), "echo"); err != nil || app.State != "running" || len(app.Services) != 2 {
		t.Errorf("after reconcile: %+v, %v", app, err)
	}
}

func TestReconcile_neverReplacesLostData(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	have, err := fake.Observe(t.Context(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Apply(t.Context(), fake, engine.Teardown(have, false), appliance.Quiet{}); err != nil {
		t.Fatal(err)
	}
	b.Reconcile(t.Context())
	if have, err = fake.Observe(t.Context(), "echo"); err != nil || len(have.Volumes) > 0 {
		t.Errorf("an empty volume took the place of lost data: %+v, %v", have, err)
	}
	if err := b.Trouble(t.Context(), "echo", have); !errors.Is(err, dataMissing("echo", "data")) {
		t.Errorf("trouble: %v", err)
	}
}

func TestRemove_keepsAnExportUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	for _, noExport := range []bool{false, true} {
		job, err := b.Add(t.Context(), echo)
		b.follow(t, job, err)
		fake.SetVolume("echo", "data", []byte("what members made"))
		req := appliance.RemoveApp{Name: "echo", NoExport: noExport}
		plan, err := b.PlanRemove(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		req.PlanHash = plan.Hash
		job, err = b.Remove(t.Context(), req)
		if job = b.follow(t, job, err); job.State != appliance.JobDone {
			t.Fatalf("remove: %s %v", job.State, job.Problem)
		}
		b.nothingLeft(t, "echo")
	}
	exports, err := filepath.Glob(filepath.Join(b.Exports, "echo-*"))
	if err != nil || len(exports) != 1 {
		t.Fatalf("exports %v, %v; want one", exports, err)
	}
	for file, mode := range map[string]os.FileMode{"recipe/compose.yaml": 0, "recipe/.env": 0o600, "volumes/data.tar.zst": 0o600} {
		fi, err := os.Stat(filepath.Join(exports[0], file))
		if err != nil || (mode != 0 && fi.Mode().Perm() != mode) || fi.Size() == 0 {
			t.Errorf("%s: %v, %v", file, fi, err)
		}
	}
}

func TestRemove_failedExportBringsTheAppBack(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	fake.FailNext("ReadVolume", errors.New("no luck"))
	job, err = b.Remove(t.Context(), appliance.RemoveApp{Name: "echo"})
	if job = b.follow(t, job, err); job.State != appliance.JobUndone || job.Problem.Code != "export-failed" {
		t.Fatalf("remove: %s %v", job.State, job.Problem)
	}
	if app, err := b.Show(t.Context(), "echo"); err != nil || app.State != "running" {
		t.Errorf("after a failed removal: %s, %v", app.State, err)
	}
	if left, err := filepath.Glob(filepath.Join(b.Exports, "*")); err != nil || len(left) > 0 {
		t.Errorf("half an export stayed: %v, %v", left, err)
	}
}

func TestTestRecipe_leavesNothing(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	job, err := b.TestRecipe(t.Context(), "echo", "")
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Fatalf("recipe test: %s %v", job.State, job.Problem)
	}
	installs, err := b.Engine.Installs(t.Context())
	if err != nil || len(installs) > 0 {
		t.Errorf("left: %v, %v", installs, err)
	}
	if _, err := b.store.Install(t.Context(), "echo"); !errors.Is(err, &problem.Problem{Code: "install-unknown"}) {
		t.Errorf("on record: %v", err)
	}
}

func TestEngineDown_storeStillAnswers(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	fake.SetDown(true)
	ends, err := b.Endpoints(t.Context())
	if err != nil || len(ends) != 1 || !ends[0].Target.IsValid() {
		t.Errorf("without an engine the endpoints are %v, %v", ends, err)
	}
	if app, err := b.Show(t.Context(), "echo"); err != nil || app.State != "unknown" {
		t.Errorf("without an engine the app is %q, %v", app.State, err)
	}
	if _, err := b.Add(t.Context(), appliance.AddApp{Recipe: "echo", Name: "b", Host: "b.demo.coop"}); !errors.Is(err, &problem.Problem{Code: "engine-unreachable"}) {
		t.Errorf("adding without an engine: %v", err)
	}
}
