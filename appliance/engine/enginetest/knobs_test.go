// SPDX-License-Identifier: AGPL-3.0-or-later

package enginetest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/problem"
)

// shop is a running install of one service on a Fake.
func shop(t *testing.T, b enginetest.Behaviour) (*enginetest.Fake, engine.Spec) {
	t.Helper()
	fake := enginetest.NewFake()
	fake.Behave("web", b)
	spec := enginetest.Place(t, fake)
	spec.Services = []engine.Service{enginetest.Web("web", "hello", appliance.Image{ID: "sha256:1"})}
	enginetest.Run(t, fake, spec)
	return fake, spec
}

func TestFake_failsNextAndOnlyThen(t *testing.T) {
	fake, spec := shop(t, enginetest.Behaviour{})
	broken := errors.New("broken")
	fake.FailNext("StopContainer", broken)
	if err := fake.StopContainer(t.Context(), spec.Install, "web"); !errors.Is(err, broken) {
		t.Errorf("the first time: %v", err)
	}
	if err := fake.StopContainer(t.Context(), spec.Install, "web"); err != nil {
		t.Errorf("the second time: %v", err)
	}
	calls := fake.Calls()
	if diff := cmp.Diff(enginetest.Call{Op: "StopContainer", Install: spec.Install, Thing: "web"}, calls[len(calls)-1]); diff != "" {
		t.Error(diff)
	}
}

func TestFake_exitHealthAndEvents(t *testing.T) {
	fake, spec := shop(t, enginetest.Behaviour{})
	events, err := fake.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fake.SetHealth(spec.Install, "web", "unhealthy")
	fake.Exit(spec.Install, "web", 3)
	for _, want := range []string{"health_status: unhealthy", "die"} {
		if ev := <-events; ev.Action != want || ev.Service != "web" || ev.Install != spec.Install {
			t.Errorf("event %+v; want %s", ev, want)
		}
	}
	have, err := fake.Observe(t.Context(), spec.Install)
	if err != nil || have.Containers[0].State != engine.Exited || have.Containers[0].ExitCode != 3 {
		t.Errorf("observed %+v, %v", have.Containers, err)
	}
	fake.SetDown(true)
	if _, open := <-events; open {
		t.Error("the watch goes on although the engine is down")
	}
	if _, err := fake.Info(t.Context()); !errors.Is(err, &problem.Problem{Code: "engine-unreachable"}) {
		t.Errorf("an engine that is down says %v", err)
	}
	fake.SetDown(false)
}

func TestFake_execLogsAndVolumes(t *testing.T) {
	fake, spec := shop(t, enginetest.Behaviour{Logs: []string{"one", "two"}})
	fake.OnExec(func(_ appliance.InstallName, cmd engine.Exec) (int, error) {
		_, err := io.Copy(cmd.Stdout, cmd.Stdin)
		return 7, err
	})
	var out bytes.Buffer
	code, err := fake.Exec(t.Context(), spec.Install, engine.Exec{Service: "web", Stdin: strings.NewReader("in"), Stdout: &out})
	if code != 7 || err != nil || out.String() != "in" {
		t.Errorf("exec gave %d, %v, %q", code, err, out.String())
	}
	out.Reset()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fake.Logs(ctx, spec.Install, engine.LogOptions{}, &out); !errors.Is(err, context.Canceled) {
		t.Errorf("logs after the end: %v", err)
	}
	if err := fake.Logs(t.Context(), spec.Install, engine.LogOptions{Tail: 1}, &out); err != nil || out.String() != "web | two\n" {
		t.Errorf("logs %q, %v", out.String(), err)
	}
	fake.SetVolume(spec.Install, "data", []byte("a tar"))
	r, err := fake.ReadVolume(t.Context(), spec.Install, "data")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "a tar" {
		t.Errorf("the volume holds %q, %v", b, err)
	}
}

func TestFake_pullsWhatItWasGiven(t *testing.T) {
	fake := enginetest.NewFake()
	ref := "registry.example/app@sha256:1"
	if _, err := fake.Pull(t.Context(), ref, appliance.Quiet{}); !errors.Is(err, &problem.Problem{Code: "registry-unreachable"}) {
		t.Errorf("without the image: %v", err)
	}
	fake.AddImage(engine.ImageInfo{ID: "sha256:2", Digests: []string{ref}})
	info, err := fake.Pull(t.Context(), ref, appliance.Quiet{})
	if err != nil || info.ID != "sha256:2" {
		t.Errorf("with it: %+v, %v", info, err)
	}
}

func TestFake_isSafeForConcurrentUse(t *testing.T) {
	fake := enginetest.NewFake()
	var all sync.WaitGroup
	for range 8 {
		spec := enginetest.Place(t, fake)
		spec.Services = []engine.Service{enginetest.Web("web", "", appliance.Image{ID: "sha256:1"})}
		if err := fake.CreateNetwork(t.Context(), spec.Install, spec.Subnet); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if err := enginetest.Try(t.Context(), fake, spec); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if names, err := fake.Installs(t.Context()); err != nil || len(names) != 8 {
		t.Errorf("installs %v, %v", names, err)
	}
}
