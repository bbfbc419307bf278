// SPDX-License-Identifier: AGPL-3.0-or-later

package engine_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

var update = flag.Bool("update", false, "write the golden files")

// blog is an install like WordPress: a database, a one-shot set-up, the app.
func blog() engine.Spec {
	spec := engine.Spec{
		Install: "blog", Release: 2, Recipe: "blog", Version: "1.0-1", Subnet: netip.MustParsePrefix("10.213.0.32/27"),
		Volumes: []string{"files", "data"},
		Services: []engine.Service{
			{Service: recipes.Service{
				Name: "web", Health: &recipes.HealthCheck{Test: []string{"CMD", "/app", "health"}},
				Environment: map[string]string{"PASSWORD": "s3cret"},
				Mounts:      []recipes.Mount{{Volume: "files", Target: "/files"}},
				DependsOn: []recipes.Dependency{
					{Service: "setup", Condition: recipes.CompletedSuccessfully}, {Service: "db", Condition: recipes.Started},
				},
			}, Resolved: appliance.Image{Ref: "registry.example/web:1", ID: "sha256:aaaa"}},
			{Service: recipes.Service{
				Name: "setup", OneShot: true, DependsOn: []recipes.Dependency{{Service: "db", Condition: recipes.Healthy}},
			}, Resolved: appliance.Image{ID: "sha256:aaaa"}},
			{Service: recipes.Service{
				Name: "db", Health: &recipes.HealthCheck{Test: []string{"CMD", "/db", "health"}},
				Mounts: []recipes.Mount{{Volume: "data", Target: "/data"}},
				Files:  []recipes.File{{Target: "/run/secrets/db", Content: []byte("s3cret")}},
			}, Resolved: appliance.Image{Ref: "registry.example/db:1", ID: "sha256:bbbb"}},
		},
	}
	if _, err := engine.AssignAddresses(spec.Subnet, spec.Services, nil); err != nil {
		panic(err)
	}
	return spec
}

// running is what the engine has after spec was applied.
func running(spec engine.Spec) engine.Observed {
	have := engine.Observed{
		Install: spec.Install, Volumes: spec.Volumes, Network: &engine.Network{ID: "n", Subnet: spec.Subnet},
	}
	for i, s := range spec.Services {
		c := engine.Container{
			Name: engine.ContainerName(spec.Install, s.Name), Service: s.Name, Release: 1, ConfigHash: engine.ConfigHash(s),
			ImageID: s.Resolved.ID, State: engine.Running, Health: "healthy", Address: s.Address,
			Started: time.Unix(int64(1000-i), 0),
		}
		if s.OneShot {
			c.State, c.Health = engine.Exited, ""
		}
		have.Containers = append(have.Containers, c)
	}
	return have
}

func service(spec *engine.Spec, name string) *engine.Service {
	for i := range spec.Services {
		if spec.Services[i].Name == name {
			return &spec.Services[i]
		}
	}
	return nil
}

func container(have *engine.Observed, service string) *engine.Container {
	for i := range have.Containers {
		if have.Containers[i].Service == service {
			return &have.Containers[i]
		}
	}
	return nil
}

// TestPlan_namesAloneStopNobody: other names reach a container with its next
// start, and nothing that runs is stopped for them, nor anything done over.
func TestPlan_namesAloneStopNobody(t *testing.T) {
	want := blog()
	want.Hosts = []string{"www.demo.coop", "dav.demo.coop"}
	have := running(want)
	if steps, err := engine.Plan(want, have); err != nil || len(steps) != 0 {
		t.Errorf("while it runs: %v, %v", steps, err)
	}
	for i := range have.Containers {
		have.Containers[i].State, have.Containers[i].Health = engine.Exited, ""
	}
	want.Stopped = true
	if steps, err := engine.Plan(want, have); err != nil || len(steps) != 0 {
		t.Errorf("while it is stopped: %v, %v", steps, err)
	}
	want.Stopped = false
	container(&have, "web").Hosts = "dav.demo.coop www.demo.coop"
	steps, err := engine.Plan(want, have)
	var made []string
	for _, s := range engine.Creates(steps) {
		made = append(made, s.Name)
	}
	if diff := cmp.Diff([]string{"db"}, made); diff != "" || err != nil {
		t.Errorf("when it starts again: %v %s", err, diff)
	}
}

func TestPlan_golden(t *testing.T) {
	for name, change := range map[string]func(*engine.Spec, *engine.Observed){
		"nothing-there":      func(s *engine.Spec, h *engine.Observed) { *h = engine.Observed{Install: s.Install} },
		"all-as-wanted":      func(*engine.Spec, *engine.Observed) {},
		"database-gone":      func(_ *engine.Spec, h *engine.Observed) { h.Containers = h.Containers[:2] },
		"image-of-web":       func(s *engine.Spec, _ *engine.Observed) { service(s, "web").Resolved.ID = "sha256:cccc" },
		"secret-of-database": func(s *engine.Spec, _ *engine.Observed) { service(s, "db").Files[0].Content = []byte("other") },
		"stop":               func(s *engine.Spec, _ *engine.Observed) { s.Stopped = true },
		"stopped-and-changed": func(s *engine.Spec, _ *engine.Observed) {
			s.Stopped = true
			service(s, "web").User = "www-data"
		},
		"after-a-reboot": func(_ *engine.Spec, h *engine.Observed) {
			for i := range h.Containers {
				h.Containers[i].State, h.Containers[i].Health = engine.Exited, ""
			}
		},
		"set-up-failed-before": func(_ *engine.Spec, h *engine.Observed) {
			container(h, "setup").ExitCode = 1
			container(h, "web").State = engine.Created
		},
		"another-subnet": func(_ *engine.Spec, h *engine.Observed) { h.Network.Subnet = netip.MustParsePrefix("10.213.9.0/27") },
		"network-gone":   func(_ *engine.Spec, h *engine.Observed) { h.Network = nil },
		"dead-container": func(_ *engine.Spec, h *engine.Observed) { container(h, "db").State = engine.Dead },
		"half-made":      func(_ *engine.Spec, h *engine.Observed) { container(h, "db").ConfigHash = "" },
		"crash-loop":     func(_ *engine.Spec, h *engine.Observed) { container(h, "db").State = engine.Restarting },
		"wrong-address": func(_ *engine.Spec, h *engine.Observed) {
			container(h, "web").Address = netip.MustParseAddr("10.213.0.60")
		},
		"service-dropped":  dropSetup,
		"volume-not-asked": func(_ *engine.Spec, h *engine.Observed) { h.Volumes = append(h.Volumes, "members-photos") },
	} {
		t.Run(name, func(t *testing.T) {
			want := blog()
			have := running(want)
			change(&want, &have)
			steps, err := engine.Plan(want, have)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, steps)
		})
	}
}

func dropSetup(s *engine.Spec, _ *engine.Observed) {
	s.Services = append(s.Services[:1], s.Services[2])
	s.Services[0].DependsOn = nil
}

func TestTeardown_golden(t *testing.T) {
	golden(t, "teardown", engine.Teardown(running(blog()), false))
	golden(t, "teardown-keeping-volumes", engine.Teardown(running(blog()), true))
	if steps := engine.Teardown(engine.Observed{Install: "blog"}, false); len(steps) > 0 {
		t.Errorf("there is something to remove of nothing: %v", steps)
	}
}

// golden compares the steps, printed in every way that might show a secret.
func golden(t *testing.T, name string, steps []engine.Step) {
	t.Helper()
	var got strings.Builder
	for _, s := range steps {
		line := fmt.Sprintf("%-26s %s", s.Name(), s.Describe())
		l := s.Describe()
		if !slices.Contains(appliance.Deeds[l.Verb], l.Kind) {
			t.Errorf("nobody has declared what %q does, so there are no words for it", l)
		}
		if l.Destructive {
			line += " !"
		}
		got.WriteString(line + "\n")
		if printed := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(printed, "s3cret") {
			t.Errorf("step %s prints a secret: %s", s.Name(), printed)
		}
	}
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

// Whatever the state, no plan removes a volume, and its names are unique.
func TestPlan_neverRemovesAVolume(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(f, "teardown") && bytes.Contains(b, []byte("remove-volume")) {
			t.Errorf("%s removes a volume", f)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(b)) {
			name, _, _ := strings.Cut(line, " ")
			if seen[name] {
				t.Errorf("%s has the step %s twice", f, name)
			}
			seen[name] = true
		}
	}
}

func TestPlan_leavesWhatIsNotThisBoxsAlone(t *testing.T) {
	for box, code := range map[string]string{"there": "install-of-another-box", "": "engine-name-taken"} {
		want := blog()
		have := running(want)
		want.Services[0].Environment = map[string]string{"PASSWORD": "other"}
		have.Foreign = []engine.Foreign{{Kind: "volume", Name: "coopkit-blog_more", Box: box}}
		steps, err := engine.Plan(want, have)
		if !errors.Is(err, &problem.Problem{Code: code}) || len(steps) > 0 {
			t.Errorf("a volume of box %q: %v, %v", box, steps, err)
		}
		for _, s := range engine.Teardown(have, false) {
			if strings.Contains(s.Describe().Name, "more") {
				t.Errorf("the volume of box %q is removed", box)
			}
		}
	}
}

func TestPlan_refusesWhatCanNotBe(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*engine.Spec)
		why    string
	}{
		"cycle": {func(s *engine.Spec) {
			service(s, "db").DependsOn = []recipes.Dependency{{Service: "web", Condition: recipes.Started}}
		}, "circle: db, setup, web"},
		"itself": {func(s *engine.Spec) {
			service(s, "db").DependsOn = []recipes.Dependency{{Service: "db", Condition: recipes.Started}}
		}, "circle"},
		"unknown dependency": {func(s *engine.Spec) { service(s, "setup").DependsOn[0].Service = "cache" }, "cache, which is not a service"},
		"two of one name":    {func(s *engine.Spec) { service(s, "setup").Name = "db" }, "two services are named db"},
		"no subnet":          {func(s *engine.Spec) { s.Subnet = netip.Prefix{} }, "no subnet"},
		"no image":           {func(s *engine.Spec) { service(s, "db").Resolved.ID = "" }, "image of db"},
		"no address":         {func(s *engine.Spec) { service(s, "db").Address = netip.Addr{} }, "address of db"},
		"gateway's address":  {func(s *engine.Spec) { service(s, "db").Address = engine.Gateway(s.Subnet) }, "address of db"},
		"broadcast address":  {func(s *engine.Spec) { service(s, "db").Address = netip.MustParseAddr("10.213.0.63") }, "address of db"},
		"one address twice":  {func(s *engine.Spec) { service(s, "db").Address = service(s, "web").Address }, "the same address"},
		"unknown volume":     {func(s *engine.Spec) { s.Volumes = nil }, "which is not declared"},
		"file under tmpfs":   {func(s *engine.Spec) { service(s, "db").Tmpfs = []string{"/run:size=1m"} }, "/run/secrets/db"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := blog()
			c.change(&spec)
			steps, err := engine.Plan(spec, engine.Observed{Install: "blog"})
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || p.Code != "services-invalid" || !strings.Contains(p.Why, c.why) || len(p.Next) == 0 {
				t.Fatalf("%v; want a Problem with %q", err, c.why)
			}
			if len(steps) > 0 {
				t.Errorf("it gives steps all the same: %v", steps)
			}
		})
	}
}
