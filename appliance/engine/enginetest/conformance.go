// SPDX-License-Identifier: AGPL-3.0-or-later

//nolint:thelper // the checks here are the tests themselves
package enginetest

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/recipes"
)

// Conformance is what every Engine has to do. It makes installs with names of
// their own and removes them.
func Conformance(t *testing.T, newEngine func(t *testing.T) engine.Engine) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, engine.Engine){
		"says what it is":                    checkInfo,
		"has nothing of an unknown install":  checkNothing,
		"applies, and then plans nothing":    checkApply,
		"brings back what was removed":       checkRemovedByHand,
		"replaces only what changed":         checkChange,
		"stops and starts":                   checkStop,
		"gives names with the next start":    checkHosts,
		"removes what is wanted no more":     checkOrphan,
		"tears down, volumes last":           checkTeardown,
		"removing and stopping are repeated": checkIdempotent,
		"creating is repeated":               checkCreateTwice,
		"finds and removes images":           checkImages,
		"reads volumes":                      checkReadVolume,
		"measures what runs":                 checkUsage,
		"measures volumes":                   checkVolumeBytes,
		"sends events":                       checkWatch,
		"does nothing after its context":     checkCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, newEngine(t))
		})
	}
}

// shop is an install of three services that depend on each other.
func shop(t *testing.T, e engine.Engine) engine.Spec {
	t.Helper()
	image := TestImage(t, e)
	spec := Place(t, e)
	db, once, web := Web("db", "data", image), Once("migrate", image, "say", "migrated", "0"), Web("web", "hello", image)
	db.Mounts = []recipes.Mount{{Volume: "data", Target: "/data"}}
	once.DependsOn = []recipes.Dependency{{Service: "db", Condition: recipes.Healthy}}
	web.DependsOn = []recipes.Dependency{
		{Service: "db", Condition: recipes.Started},
		{Service: "migrate", Condition: recipes.CompletedSuccessfully},
	}
	spec.Services, spec.Volumes = []engine.Service{web, once, db}, []string{"data"}
	return spec
}

func checkHosts(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	spec.Hosts = []string{"www.demo.coop", "dav.demo.coop"}
	line := func(have engine.Observed, service string) string {
		return have.Containers[slices.IndexFunc(have.Containers, func(c engine.Container) bool { return c.Service == service })].Hosts
	}
	if have := Run(t, e, spec); line(have, "web") != "dav.demo.coop www.demo.coop" {
		t.Errorf("its containers know %q", line(have, "web"))
	}
	before := Run(t, e, spec)
	spec.Hosts = spec.Hosts[:1]
	after := Run(t, e, spec)
	if diff := cmp.Diff(before, after, exactly); diff != "" {
		t.Errorf("while it runs, other names changed it: %s", diff)
	}
	spec.Stopped = true
	Run(t, e, spec)
	spec.Stopped = false
	if have := Run(t, e, spec); line(have, "web") != "www.demo.coop" || line(have, "migrate") != "dav.demo.coop www.demo.coop" {
		t.Errorf("started again they know %q and %q", line(have, "web"), line(have, "migrate"))
	}
}

func checkInfo(t *testing.T, e engine.Engine) {
	info, err := e.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.Name == "" || info.Version == "" || info.APIVersion == "" || info.RootDir == "" || info.Arch == "" {
		t.Errorf("something is missing: %+v", info)
	}
}

func checkNothing(t *testing.T, e engine.Engine) {
	name := Place(t, e).Install
	have, err := e.Observe(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(engine.Observed{Install: name}, have, exactly); diff != "" {
		t.Error(diff)
	}
	if slices.Contains(installs(t, e), name) {
		t.Error("it lists an install that has nothing")
	}
}

func checkApply(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	have := Run(t, e, spec)
	planNothing(t, spec, have)
	if len(have.Containers) != 3 || have.Network == nil || have.Network.Subnet != spec.Subnet {
		t.Fatalf("observed %+v", have)
	}
	if diff := cmp.Diff([]string{"data"}, have.Volumes); diff != "" {
		t.Error(diff)
	}
	for _, s := range spec.Services {
		c := container(t, have, s.Name)
		want := engine.Container{
			ID: c.ID, Started: c.Started, ExitCode: c.ExitCode,
			Name: engine.ContainerName(spec.Install, s.Name), Service: s.Name, Release: 1,
			ConfigHash: engine.ConfigHash(s), ImageID: s.Resolved.ID, Address: s.Address,
			State: engine.Running, Health: "healthy",
		}
		if s.OneShot {
			want.State, want.Health, want.ExitCode = engine.Exited, "", 0
		}
		if diff := cmp.Diff(want, c, exactly); diff != "" {
			t.Errorf("%s: %s", s.Name, diff)
		}
	}
	if db, web := container(t, have, "db"), container(t, have, "web"); web.Started.Before(db.Started) {
		t.Errorf("web started at %v, before db at %v", web.Started, db.Started)
	}
	if !slices.Contains(installs(t, e), spec.Install) {
		t.Error("the install is not listed")
	}
	used, err := e.UsedSubnets(t.Context())
	if err != nil || !slices.Contains(used, spec.Subnet) {
		t.Errorf("used subnets %v, %v; want %v in them", used, err, spec.Subnet)
	}
}

func checkRemovedByHand(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	before := Run(t, e, spec)
	if err := e.RemoveContainer(t.Context(), spec.Install, "db"); err != nil {
		t.Fatal(err)
	}
	after := Run(t, e, spec)
	planNothing(t, spec, after)
	if container(t, before, "db").ID == container(t, after, "db").ID {
		t.Error("the container was not removed")
	}
	if container(t, before, "web").ID != container(t, after, "web").ID {
		t.Error("web was replaced although nothing happened to it")
	}
	if container(t, before, "db").Address != container(t, after, "db").Address {
		t.Error("the address changed")
	}
}

func checkChange(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	before := Run(t, e, spec)
	spec.Release = 2
	spec.Services[0].Environment = map[string]string{"GREETING": "good day"}
	after := Run(t, e, spec)
	planNothing(t, spec, after)
	if container(t, before, "db").ID != container(t, after, "db").ID {
		t.Error("db was replaced although it did not change")
	}
	web := container(t, after, "web")
	if container(t, before, "web").ID == web.ID || web.Release != 2 {
		t.Errorf("web was not replaced: %+v", web)
	}
}

func checkStop(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	before := Run(t, e, spec)
	spec.Stopped = true
	stopped := Run(t, e, spec)
	planNothing(t, spec, stopped)
	for _, c := range stopped.Containers {
		if c.State != engine.Exited {
			t.Errorf("%s is %s", c.Service, c.State)
		}
	}
	spec.Stopped = false
	again := Run(t, e, spec)
	planNothing(t, spec, again)
	for _, service := range []string{"db", "web"} {
		was, is := container(t, before, service), container(t, again, service)
		if is.State != engine.Running || is.ID != was.ID || is.Address != was.Address {
			t.Errorf("%s: was %+v, is %+v", service, was, is)
		}
	}
}

func checkOrphan(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	Run(t, e, spec)
	spec.Services = spec.Services[2:] // db
	have := Run(t, e, spec)
	planNothing(t, spec, have)
	if len(have.Containers) != 1 || len(have.Volumes) != 1 {
		t.Errorf("left: %+v", have)
	}
}

func checkTeardown(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	have := Run(t, e, spec)
	if err := engine.Apply(t.Context(), e, engine.Teardown(have, true), appliance.Quiet{}); err != nil {
		t.Fatal(err)
	}
	left, err := e.Observe(t.Context(), spec.Install)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(engine.Observed{Install: spec.Install, Volumes: []string{"data"}}, left, exactly); diff != "" {
		t.Error(diff)
	}
	for range 2 { // the second time everything is gone already
		if err := engine.Apply(t.Context(), e, engine.Teardown(have, false), appliance.Quiet{}); err != nil {
			t.Fatal(err)
		}
	}
	checkGone(t, e, spec.Install)
}

func checkIdempotent(t *testing.T, e engine.Engine) {
	name := Place(t, e).Install
	ctx := t.Context()
	for what, err := range map[string]error{
		"stop": e.StopContainer(ctx, name, "web"), "remove container": e.RemoveContainer(ctx, name, "web"),
		"remove network": e.RemoveNetwork(ctx, name), "remove volume": e.RemoveVolume(ctx, name, "data"),
		"remove image": e.RemoveImage(ctx, "coopkit/nothing:"+random()),
	} {
		if err != nil {
			t.Errorf("%s of what does not exist: %v", what, err)
		}
	}
	if err := e.StartContainer(ctx, name, "web"); err == nil {
		t.Error("starting what does not exist succeeded")
	}
	if _, err := e.Exec(ctx, name, engine.Exec{Service: "web", Command: []string{"/app"}}); err == nil {
		t.Error("running a command in what does not exist succeeded")
	}
	if _, err := e.ReadVolume(ctx, name, "data"); err == nil {
		t.Error("reading a volume that does not exist succeeded")
	}
	checkGone(t, e, name)
}

func checkCreateTwice(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	have := Run(t, e, spec)
	ctx := t.Context()
	for what, err := range map[string]error{
		"network": e.CreateNetwork(ctx, spec.Install, spec.Subnet), "volume": e.CreateVolume(ctx, spec.Install, "data"),
		"container": e.CreateContainer(ctx, spec, spec.Services[0]), "start": e.StartContainer(ctx, spec.Install, "web"),
	} {
		if err != nil {
			t.Errorf("%s that is there already: %v", what, err)
		}
	}
	again, err := e.Observe(ctx, spec.Install)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(have, again, exactly); diff != "" {
		t.Error(diff)
	}
}

func checkImages(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	image := spec.Services[0].Resolved
	for _, ref := range []string{image.Ref, image.ID} {
		info, ok, err := e.Image(t.Context(), ref)
		if err != nil || !ok || info.ID != image.ID || !slices.Contains(info.Tags, image.Ref) {
			t.Errorf("Image(%s) = %+v, %v, %v", ref, info, ok, err)
		}
	}
	if _, ok, err := e.Image(t.Context(), "coopkit/nothing:"+random()); ok || err != nil {
		t.Errorf("an image that does not exist: %v, %v", ok, err)
	}
	list, err := e.Images(t.Context(), LabelTest)
	if err != nil || !slices.ContainsFunc(list, func(i engine.ImageInfo) bool { return i.ID == image.ID && i.Labels[LabelTest] == "testapp" }) {
		t.Errorf("Images(%s) has not %s: %v", LabelTest, image.ID, err)
	}
	Run(t, e, spec)
	if err := e.RemoveImage(t.Context(), image.ID); err == nil {
		t.Error("an image in use was removed")
	}
}

func checkReadVolume(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	Run(t, e, spec)
	stream, err := e.ReadVolume(t.Context(), spec.Install, "data")
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(stream)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			t.Errorf("a new volume has the file %s in it", h.Name)
		}
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
}

func checkWatch(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	events, err := e.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = Try(ctx, e, spec) }() // the events tell how far it came; the install is removed at the end
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for seen := false; !seen; {
		select {
		case ev := <-events:
			seen = ev.Install == spec.Install && ev.Service == "web" && ev.Action == "start"
		case <-limit.C:
			t.Fatal("no event of web starting came in a minute")
		}
	}
	cancel()
	for range events { // until it is closed
	}
}

func checkCancelled(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Try(ctx, e, spec); !errors.Is(err, context.Canceled) {
		t.Errorf("applying with an ended context: %v", err)
	}
	checkGone(t, e, spec.Install)
}
