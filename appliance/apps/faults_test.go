// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

func TestAdd_severalAtOnceGetSubnetsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	var wg sync.WaitGroup
	for _, name := range []string{"one", "two", "three"} {
		wg.Go(func() {
			job, err := b.Add(t.Context(), appliance.AddApp{Recipe: "echo", Name: name, Host: name + ".demo.coop"})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			if err := b.Jobs.Follow(t.Context(), job.ID, 0, func(appliance.JobEvent) error { return nil }); err != nil {
				t.Error(err)
			}
			if job, err = b.store.Job(t.Context(), job.ID); err != nil || job.State != appliance.JobDone {
				t.Errorf("%s: %s %v, %v", name, job.State, job.Problem, err)
			}
		})
	}
	wg.Wait()
}

func TestUnrecord_leavesAnotherInstallOfTheSameName(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	in, err := b.store.Install(t.Context(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	late := in
	late.Created = in.Created.Add(time.Second)
	if err := b.unrecord(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Install(t.Context(), "echo"); err != nil {
		t.Errorf("undoing a late add took the earlier one's record: %v", err)
	}
	if err := errors.Join(b.unrecord(t.Context(), in), b.unrecord(t.Context(), in)); err != nil {
		t.Errorf("undoing one's own, twice: %v", err)
	}
}

// hanging is an engine that tells nothing of one install.
type hanging struct {
	engine.Engine
	install appliance.InstallName
}

func (h hanging) Observe(ctx context.Context, install appliance.InstallName) (engine.Observed, error) {
	if install != h.install {
		return h.Engine.Observe(ctx, install)
	}
	<-ctx.Done()
	return engine.Observed{}, ctx.Err()
}

func TestReconcile_oneThatHangsKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	for _, name := range []string{"aa", "bb"} {
		job, err := b.Add(t.Context(), appliance.AddApp{Recipe: "echo", Name: name, Host: name + ".demo.coop"})
		b.follow(t, job, err)
	}
	remove := func(name appliance.InstallName) {
		if err := errors.Join(fake.StopContainer(t.Context(), name, "app"), fake.RemoveContainer(t.Context(), name, "app")); err != nil {
			t.Fatal(err)
		}
	}
	b.Engine = hanging{fake, "aa"}
	remove("bb")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	testkit.Eventually(t, 10*time.Second, "the other app is back", func() bool {
		app, err := b.Show(t.Context(), "bb")
		return err == nil && app.State == "running" && len(app.Services) == 2
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRemove_worksWhenTheDataIsGoneAndMakesNoneUp(t *testing.T) {
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
	for _, change := range []func(context.Context, appliance.InstallName) (appliance.Job, error){b.Start, b.Restart} {
		job, err := change(t.Context(), "echo")
		if job = b.follow(t, job, err); !errors.Is(job.Problem, errDataMissing) || job.State != appliance.JobUndone {
			t.Errorf("%s: %s %v", job.Kind, job.State, job.Problem)
		}
	}
	job, err = b.Remove(t.Context(), appliance.RemoveApp{Name: "echo"})
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Fatalf("remove: %s %v", job.State, job.Problem)
	}
	b.nothingLeft(t, "echo")
	if made, err := filepath.Glob(filepath.Join(b.Exports, "echo-*", "volumes", "*")); err != nil || len(made) > 0 {
		t.Errorf("an export of data that is gone: %v, %v", made, err)
	}
}

func TestTestRecipe_isLeftAloneByReconcile(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	job, err := b.TestRecipe(t.Context(), "echo", "")
	if err != nil {
		t.Fatal(err)
	}
	if job.Subject == "recipe-test:echo" {
		t.Error("the job does not hold the install that it makes")
	}
	b.follow(t, job, nil)
}

func TestExport_envFileGivesComposeTheSameValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "recipe"), 0o700); err != nil {
		t.Fatal(err)
	}
	vars := recipes.Vars{
		"PLAIN": "Our wiki", "QUOTES": `it's "ours"`, "DOLLAR": "$HOME ${X} $$", "BACK": `a\b\\'"\`, "END": `ends in \`,
		"LINES": "one\ntwo\n", "UNICODE": "café ñ 協同組合", "HASH": "a # b", "EMPTY": "",
	}
	if err := exportVars(vars, dir); err != nil {
		t.Fatal(err)
	}
	got, err := dotenv.Read(filepath.Join(dir, "recipe", ".env"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string(vars), got); diff != "" {
		t.Error(diff)
	}
}

func TestExportFailed_saysTheReason(t *testing.T) {
	t.Parallel()
	err := exportFailed(&problem.Problem{Code: "service-failed", What: "the database did not answer", Next: []string{"look"}})
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Why != "the database did not answer" {
		t.Errorf("got %+v", err)
	}
	if !errors.Is(exportFailed(context.Canceled), context.Canceled) {
		t.Error("an agent that stops is no failure of the export")
	}
}

func TestSpec_isRenderedOnceUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	before := b.shelf.rendered["echo"].project
	b.Reconcile(t.Context())
	if _, err := b.Endpoints(t.Context()); err != nil || before == nil || b.shelf.rendered["echo"].project != before {
		t.Errorf("rendered again at rest, %v", err)
	}
	b.Timezone = "Europe/Madrid"
	if _, err := b.active(t.Context(), "echo"); err != nil || b.shelf.rendered["echo"].vars["TIMEZONE"] != "Europe/Madrid" {
		t.Errorf("a change was not noticed, %v", err)
	}
	job, err = b.Remove(t.Context(), appliance.RemoveApp{Name: "echo", NoExport: true})
	b.follow(t, job, err)
	b.Reconcile(t.Context())
	if len(b.shelf.rendered) != 0 {
		t.Error("a removed install is still kept")
	}
}

// TestAdd_stoppedLeavesNothing stops an add that waits for its app to answer.
func TestAdd_stoppedLeavesNothing(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	job, err := b.Add(t.Context(), echo)
	if err != nil {
		t.Fatal(err)
	}
	reached := errors.New("it waits")
	err = b.Jobs.Follow(t.Context(), job.ID, 0, func(ev appliance.JobEvent) error {
		if ev.Step == "ready" {
			return reached
		}
		return nil
	})
	if !errors.Is(err, reached) {
		t.Fatal(err)
	}
	err = b.Jobs.Stop(t.Context(), job.ID)
	if job = b.follow(t, job, err); job.State != appliance.JobUndone || !errors.Is(job.Problem, &problem.Problem{Code: "job-stopped"}) {
		t.Errorf("it ended as %s: %v", job.State, job.Problem)
	}
	b.nothingLeft(t, "echo")
}

// TestOutOfMemory_isToldByTheEngine of the box's own apps, and kept for the
// checks.
func TestOutOfMemory_isToldByTheEngine(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	fake.Behave("app", enginetest.Behaviour{Exits: true, ExitCode: 137, OOMKilled: true})
	fake.Exit("echo", "app", 137) // the reconciler starts it, and it ends, again and again
	go func() { _ = b.Run(ctx) }()
	testkit.Eventually(t, 10*time.Second, "the engine's word arrives", func() bool {
		all := b.OutOfMemory()
		return len(all) > 0 && all[0].Install == "echo" && !all[0].At.IsZero()
	})
}

// TestEndpoints_oneUnreadableReleaseClosesNoOther, and the list of apps shows
// all of them.
func TestEndpoints_oneUnreadableReleaseClosesNoOther(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	for _, name := range []string{"aa", "bb"} {
		job, err := b.Add(t.Context(), appliance.AddApp{Recipe: "echo", Name: name, Host: name + ".demo.coop"})
		b.follow(t, job, err)
	}
	rel, err := b.store.Release(t.Context(), "aa", 1)
	if err != nil {
		t.Fatal(err)
	}
	n, err := b.store.InsertRelease(t.Context(), rel, []byte("PK damaged"))
	if err := errors.Join(err, b.store.Activate(t.Context(), "aa", n)); err != nil {
		t.Fatal(err)
	}
	ends, err := b.Endpoints(t.Context())
	if err != nil || len(ends) != 2 || ends[0].Err == nil || ends[0].Target.IsValid() || ends[1].Err != nil || !ends[1].Target.IsValid() {
		t.Errorf("endpoints: %+v, %v", ends, err)
	}
	all, err := b.List(t.Context())
	if err != nil || len(all) != 2 || all[0].State != "failing" || all[1].State != "running" {
		t.Errorf("list: %+v, %v", all, err)
	}
}

// TestList_doesNotWaitForAnEngineThatHangs longer than a glance.
func TestList_doesNotWaitForAnEngineThatHangs(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	for _, name := range []string{"aa", "bb"} {
		job, err := b.Add(t.Context(), appliance.AddApp{Recipe: "echo", Name: name, Host: name + ".demo.coop"})
		b.follow(t, job, err)
	}
	b.Engine = hanging{fake, "aa"}
	began := time.Now()
	all, err := b.List(t.Context())
	if err != nil || len(all) != 2 || all[0].State != "unknown" {
		t.Errorf("%+v, %v", all, err)
	}
	if took := time.Since(began); took > engine.Glance+time.Second {
		t.Errorf("it took %s", took)
	}
}
