// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

func TestService_failuresAreProblemsWithTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(*engine.Service)
		code, why string
	}{
		"memory": {func(s *engine.Service) {
			s.OneShot, s.Health, s.Command, s.MemoryBytes = true, nil, []string{"eat"}, 24<<20
		}, "service-out-of-memory", "limit"},
		"set-up fails": {func(s *engine.Service) {
			s.OneShot, s.Health, s.Command = true, nil, []string{"say", "no database", "4"}
		}, "service-failed", "exit code 4; its last words were:\nweb | no database"},
		"crash loop": {func(s *engine.Service) {
			s.Command = []string{"say", "cannot go on", "1"}
		}, "service-failed", "web | cannot go on"},
		"unhealthy": {func(s *engine.Service) {
			s.Health.Test, s.Health.Retries = []string{"CMD", "/app", "say", "no", "1"}, 2
		}, "service-unhealthy", "its own health check fails; its last words were:\nweb | serving"},
		"no such program": {func(s *engine.Service) { s.Entrypoint = []string{"/nothing"} }, "container-refused", "/nothing"},
		"no such image":   {func(s *engine.Service) { s.Resolved.ID = "sha256:" + strings.Repeat("0", 64) }, "container-refused", "No such image"},
		"file at the root": {func(s *engine.Service) {
			s.ReadOnly, s.Files = true, []recipes.File{{Target: "/x"}}
		}, "file-target-invalid", "absolute"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := connect(t)
			spec := one(t, e, c.change)
			wantProblem(t, enginetest.Try(t.Context(), e, spec), c.code, c.why)
		})
	}
}

func TestService_killedDependencyStopsTheRest(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, func(s *engine.Service) {
		s.DependsOn = []recipes.Dependency{{Service: "db", Condition: recipes.Healthy}}
	})
	db := enginetest.Web("db", "", spec.Services[0].Resolved)
	db.Health.Test, db.Health.Retries = []string{"CMD", "/app", "say", "not yet", "1"}, 1000
	spec.Services = append(spec.Services, db)
	done := make(chan error, 1)
	go func() { done <- enginetest.Try(t.Context(), e, spec) }()
	name := engine.ContainerName(spec.Install, "db")
	events, err := e.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kill := func() bool { return e.cli.ContainerKill(t.Context(), name, "KILL") == nil }
	for killed := kill(); !killed; killed = kill() { // it may not run yet: try again at each event
		select {
		case <-events:
		case err := <-done:
			t.Fatalf("it ended before db was killed: %v", err)
		}
	}
	wantProblem(t, <-done, "service-failed", "exit code 137")
	for _, c := range observe(t, e, spec).Containers {
		if c.Service == "web" && c.State != engine.Created {
			t.Errorf("web is %s although what it needs was never healthy", c.State)
		}
	}
}

func TestEngine_downIsAProblem(t *testing.T) {
	e, err := New("unix:///nonexistent/docker.sock", Owner{Box: enginetest.Box})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	_, info := e.Info(ctx)
	_, watch := e.Watch(ctx)
	_, observed := e.Observe(ctx, "x")
	_, pull := e.Pull(ctx, "registry.example/x:1", appliance.Quiet{})
	_, built := e.BuildImage(ctx, engine.Build{Tag: "x"}, appliance.Quiet{})
	_, _, image := e.Image(ctx, "x")
	for name, err := range map[string]error{
		"info": info, "watch": watch, "observe": observed, "pull": pull, "build": built, "image": image,
		"start": e.StartContainer(ctx, "x", "web"), "stop": e.StopContainer(ctx, "x", "web"),
		"create": e.CreateContainer(ctx, engine.Spec{Install: "x"}, engine.Service{}),
		"remove": e.RemoveContainer(ctx, "x", "web"), "network": e.RemoveNetwork(ctx, "x"), "volume": e.RemoveVolume(ctx, "x", "y"),
	} {
		if !errors.Is(err, &problem.Problem{Code: "engine-unreachable"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New("nonsense", Owner{Box: enginetest.Box}); !errors.Is(err, &problem.Problem{Code: "engine-address-invalid"}) {
		t.Errorf("New(nonsense): %v", err)
	}
}

func TestWatch_endsWithItsContext(t *testing.T) {
	t.Parallel()
	e := connect(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	events, err := e.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for ev := range events { // others may use the engine now
		if ev.Install == "" {
			t.Errorf("an event of no install: %+v", ev)
		}
	}
}
