// SPDX-License-Identifier: AGPL-3.0-or-later

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/problem"
)

// told is a Progress that remembers.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (p *told) Log(l string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, l)
}

func (p *told) Advance(int64, int64) {}

func TestApply_runsThePlanInOrderAndTells(t *testing.T) {
	fake, spec, p := enginetest.NewFake(), blog(), &told{}
	if err := apply(t.Context(), fake, spec, p); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range fake.Calls() {
		got = append(got, strings.TrimSpace(c.Op+" "+c.Thing))
	}
	want := []string{
		"CreateNetwork 10.213.0.32/27", "CreateVolume data", "CreateVolume files",
		"CreateContainer db", "CreateContainer setup", "CreateContainer web",
		"StartContainer db", "StartContainer setup", "StartContainer web",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(p.lines) != 12 || p.lines[0] != "create network blog → 10.213.0.32/27" {
		t.Errorf("it told %q", p.lines)
	}
}

func TestApply_namesTheStepThatFailedAndGoesOnLater(t *testing.T) {
	fake, spec := enginetest.NewFake(), blog()
	broken := errors.New("disk full")
	fake.FailNext("CreateContainer", broken)
	err := apply(t.Context(), fake, spec, appliance.Quiet{})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "step create-container-db: ") {
		t.Fatalf("got %v", err)
	}
	if err := apply(t.Context(), fake, spec, appliance.Quiet{}); err != nil {
		t.Fatalf("the second time: %v", err)
	}
}

// Wherever it is cut off, planning and applying again ends as wanted.
func TestApply_recoversFromEveryStep(t *testing.T) {
	whole, err := engine.Plan(blog(), engine.Observed{Install: "blog"})
	if err != nil {
		t.Fatal(err)
	}
	for cut := range whole {
		fake, spec := enginetest.NewFake(), blog()
		if err := engine.Apply(t.Context(), fake, whole[:cut], appliance.Quiet{}); err != nil {
			t.Fatal(err)
		}
		if err := apply(t.Context(), fake, spec, appliance.Quiet{}); err != nil {
			t.Errorf("cut before %s: %v", whole[cut].Name(), err)
		}
		have, err := fake.Observe(t.Context(), "blog")
		if err != nil {
			t.Fatal(err)
		}
		if steps, err := engine.Plan(spec, have); err != nil || len(steps) > 0 {
			t.Errorf("cut before %s: still to do %v, %v", whole[cut].Name(), steps, err)
		}
	}
}

func TestApply_saysWhyAServiceDoesNotComeUp(t *testing.T) {
	words := []string{"1", "2", "3", "4", "5", "6", "7", "cannot open /data: " + strings.Repeat("x", 300)}
	for name, c := range map[string]struct {
		service   string
		behaviour enginetest.Behaviour
		code, why string
	}{
		"unhealthy":     {"db", enginetest.Behaviour{Health: "unhealthy"}, "service-unhealthy", "health check fails"},
		"never healthy": {"db", enginetest.Behaviour{Health: "starting"}, "service-not-ready", "does not pass yet"},
		"ends":          {"db", enginetest.Behaviour{Exits: true, ExitCode: 3}, "service-failed", "exit code 3"},
		"set-up fails":  {"setup", enginetest.Behaviour{Exits: true, ExitCode: 4}, "service-failed", "exit code 4"},
		"set-up hangs":  {"setup", enginetest.Behaviour{}, "service-not-ready", "is not done yet"},
		"memory":        {"web", enginetest.Behaviour{Exits: true, ExitCode: 137, OOMKilled: true}, "service-out-of-memory", "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := enginetest.NewFake()
				c.behaviour.Logs = words
				fake.Behave(c.service, c.behaviour)
				err := apply(t.Context(), fake, blog(), appliance.Quiet{})
				p, ok := errors.AsType[*problem.Problem](err)
				if !ok || p.Code != c.code || !strings.Contains(p.Why, c.why) || !strings.Contains(p.What, c.service+" of blog") {
					t.Fatalf("got %v; want %s with %q", err, c.code, c.why)
				}
				if !strings.Contains(p.Why, "\n"+c.service+" | cannot open /data") || strings.Contains(p.Why, strings.Repeat("x", 250)) {
					t.Errorf("the last words are missing or not cut: %q", p.Why)
				}
				if !slices.Contains(p.Next, "coopkit app logs blog") {
					t.Errorf("next: %q", p.Next)
				}
			})
		})
	}
}

func TestApply_waitsUntilHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := enginetest.NewFake()
		fake.Behave("db", enginetest.Behaviour{Health: "starting"})
		done := make(chan error, 1)
		go func() { done <- apply(t.Context(), fake, blog(), appliance.Quiet{}) }()
		wait(t, time.Minute)
		if slices.ContainsFunc(fake.Calls(), func(c enginetest.Call) bool { return c.Op == "StartContainer" && c.Thing != "db" }) {
			t.Error("something was started before db was healthy")
		}
		fake.SetHealth("blog", "db", "healthy")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestApply_failsWhenTheContainerGoesAwayOrNobodyWaits(t *testing.T) {
	for name, c := range map[string]struct {
		cut  func(*enginetest.Fake, context.CancelCauseFunc)
		want error
	}{
		"removed":     {func(f *enginetest.Fake, _ context.CancelCauseFunc) { _ = f.RemoveContainer(t.Context(), "blog", "db") }, &problem.Problem{Code: "service-failed"}},
		"engine down": {func(f *enginetest.Fake, _ context.CancelCauseFunc) { f.SetDown(true) }, &problem.Problem{Code: "engine-unreachable"}},
		"cancelled":   {func(_ *enginetest.Fake, stop context.CancelCauseFunc) { stop(errStopped) }, errStopped},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := enginetest.NewFake()
				fake.Behave("db", enginetest.Behaviour{Health: "starting"})
				ctx, stop := context.WithCancelCause(t.Context())
				defer stop(nil)
				done := make(chan error, 1)
				go func() { done <- apply(ctx, fake, blog(), appliance.Quiet{}) }()
				wait(t, time.Second)
				c.cut(fake, stop)
				if err := <-done; !errors.Is(err, c.want) {
					t.Fatalf("got %v; want %v", err, c.want)
				}
			})
		})
	}
}

var errStopped = errors.New("a person stopped it")

// wait lets the bubble's time go by.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	<-time.After(d)
	synctest.Wait()
}

func apply(ctx context.Context, e engine.Engine, spec engine.Spec, p appliance.Progress) error {
	have, err := e.Observe(ctx, spec.Install)
	if err != nil {
		return fmt.Errorf("observe: %w", err)
	}
	steps, err := engine.Plan(spec, have)
	if err != nil {
		return err
	}
	return engine.Apply(ctx, e, steps, p)
}
