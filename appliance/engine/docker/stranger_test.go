// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
)

// stranger starts a container that is not ours, as a technician might to look
// at a network or a volume.
func stranger(t *testing.T, e *Engine, spec engine.Spec, h *container.HostConfig) string {
	t.Helper()
	made, err := e.cli.ContainerCreate(t.Context(), &container.Config{
		Image: spec.Services[0].Resolved.ID, Entrypoint: []string{"/app"}, Cmd: []string{"serve"},
	}, h, &network.NetworkingConfig{}, nil, string(spec.Install)+"-stranger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.removeContainer(context.WithoutCancel(t.Context()), made.ID) })
	if err := e.cli.ContainerStart(t.Context(), made.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func TestRemove_networkWithAStrangerInIt(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	id := stranger(t, e, spec, &container.HostConfig{NetworkMode: container.NetworkMode(engine.NetworkName(spec.Install))})
	if err := enginetest.Remove(t.Context(), e, spec.Install); err != nil {
		t.Fatal(err)
	}
	if i, err := e.cli.ContainerInspect(t.Context(), id); err != nil || !i.State.Running {
		t.Errorf("the stranger itself was touched: %v", err)
	}
}

func TestRemove_volumeThatAStrangerUsesStays(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	id := stranger(t, e, spec, &container.HostConfig{NetworkMode: "none", Binds: []string{engine.VolumeName(spec.Install, "data") + ":/data"}})
	wantProblem(t, enginetest.Remove(t.Context(), e, spec.Install), "volume-in-use", "not part of the app")
	if err := e.removeContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}
