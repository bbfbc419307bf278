// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/google/go-cmp/cmp"

	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/appliance/engine/hostnet"
	"coopkit/recipes"
)

// one is an install of one web service that change may shape.
func one(t *testing.T, e *Engine, change func(*engine.Service)) engine.Spec {
	t.Helper()
	image := enginetest.TestImage(t, e)
	spec := enginetest.Place(t, e)
	spec.Volumes = []string{"data"}
	web := enginetest.Web("web", "hello", image)
	web.Mounts = []recipes.Mount{{Volume: "data", Target: "/data"}}
	if change != nil {
		change(&web)
	}
	spec.Services = []engine.Service{web}
	return spec
}

func inspect(t *testing.T, e *Engine, spec engine.Spec, service string) container.InspectResponse {
	t.Helper()
	i, err := e.cli.ContainerInspect(t.Context(), engine.ContainerName(spec.Install, service))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestContainer_isConfinedAndPublishesNothing(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, func(s *engine.Service) {
		s.CapAdd, s.MemoryBytes, s.ShmBytes, s.Init, s.ReadOnly = []string{"CHOWN"}, 64<<20, 1<<20, true, true
		s.Tmpfs = []string{"/scratch:size=1m", "/plain"}
	})
	enginetest.Run(t, e, spec)
	i := inspect(t, e, spec, "web")
	h := i.HostConfig
	if len(h.PortBindings) > 0 || h.PublishAllPorts || h.Privileged || h.PidMode != "" || h.IpcMode.IsHost() || h.NetworkMode.IsHost() {
		t.Errorf("ports, privileges or host namespaces: %+v", h)
	}
	for port, bindings := range i.NetworkSettings.Ports {
		if len(bindings) > 0 {
			t.Errorf("port %s is published at %v", port, bindings)
		}
	}
	type facts struct {
		CapDrop, CapAdd, Security []string
		Log                       map[string]string
		PIDs, Memory, Shm         int64
		Restart                   container.RestartPolicyMode
		Init, ReadOnly            bool
		Tmpfs                     map[string]string
	}
	got := facts{
		h.CapDrop, h.CapAdd, h.SecurityOpt, h.LogConfig.Config, *h.PidsLimit, h.Memory, h.ShmSize,
		h.RestartPolicy.Name, *h.Init, h.ReadonlyRootfs, h.Tmpfs,
	}
	want := facts{
		[]string{"ALL"},
		[]string{"CAP_CHOWN"},
		[]string{"no-new-privileges:true"},
		map[string]string{"max-size": "10m", "max-file": "3"},
		512, 64 << 20, 1 << 20,
		"unless-stopped", true, true,
		map[string]string{"/scratch": "size=1m", "/plain": ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Compose finds a project by these labels and nothing else.
func TestContainer_isSeenByCompose(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	project := spec.Install.Project()
	byProject := filters.NewArgs(filters.Arg("label", "com.docker.compose.project="+project))
	nets, err := e.cli.NetworkList(t.Context(), network.ListOptions{Filters: byProject})
	if err != nil || len(nets) != 1 || nets[0].Name != project+"_default" || nets[0].Labels["com.docker.compose.network"] != "default" {
		t.Errorf("networks: %+v, %v", nets, err)
	}
	vols, err := e.cli.VolumeList(t.Context(), volume.ListOptions{Filters: byProject})
	if err != nil || len(vols.Volumes) != 1 || vols.Volumes[0].Name != project+"_data" || vols.Volumes[0].Labels["com.docker.compose.volume"] != "data" {
		t.Errorf("volumes: %+v, %v", vols.Volumes, err)
	}
	byProject.Add("label", "com.docker.compose.oneoff=False")
	byProject.Add("label", "com.docker.compose.config-hash")
	list, err := e.cli.ContainerList(t.Context(), container.ListOptions{All: true, Filters: byProject})
	if err != nil || len(list) != 1 {
		t.Fatalf("containers: %+v, %v", list, err)
	}
	for k, want := range map[string]string{
		"com.docker.compose.service": "web", "com.docker.compose.container-number": "1",
		"coop.coopkit.install": string(spec.Install), "coop.coopkit.service": "web", "coop.coopkit.release": "1",
		"coop.coopkit.recipe": "testapp", "coop.coopkit.version": "1.0-1",
		"coop.coopkit.config-hash": engine.ConfigHash(spec.Services[0]),
	} {
		if got := list[0].Labels[k]; got != want {
			t.Errorf("label %s is %q; want %q", k, got, want)
		}
	}
	if want := "/" + project + "-web-1"; list[0].Names[0] != want {
		t.Errorf("its name is %s; want %s", list[0].Names[0], want)
	}
}

func TestNetwork_subnetOverlapsNothing(t *testing.T) {
	t.Parallel()
	e := connect(t)
	used, err := e.UsedSubnets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own, err := hostnet.Subnets()
	if err != nil {
		t.Fatal(err)
	}
	if len(used) == 0 || len(own) == 0 {
		t.Fatalf("the engine has %v, the host %v: there is always one", used, own)
	}
	all := slices.Concat(used, own)
	// Every place of this machine is a pool: what is chosen there lies beside it.
	subnet, err := engine.ChooseSubnet(append(slices.Clone(all), engine.DefaultPools()...), engine.SubnetBits, all)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(all, subnet.Overlaps) {
		t.Errorf("%v overlaps one of %v", subnet, all)
	}
}

func TestNetwork_takenSubnetIsAProblem(t *testing.T) {
	t.Parallel()
	e := connect(t)
	first, second := enginetest.Place(t, e), enginetest.Place(t, e)
	if err := e.CreateNetwork(t.Context(), first.Install, first.Subnet); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, e.CreateNetwork(t.Context(), second.Install, first.Subnet), "subnet-taken", "")
	if err := e.CreateNetwork(t.Context(), first.Install, second.Subnet); err == nil {
		t.Error("another subnet for a network that exists was accepted")
	}
}
