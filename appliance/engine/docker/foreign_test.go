// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/testkit"
)

// as connects as another box.
func as(t *testing.T, owner Owner) *Engine {
	t.Helper()
	testkit.NeedDocker(t)
	e, err := New("", owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// neighbour runs an install with bytes in its volume, and returns it as the
// engine has it: another box's, which none of what follows may touch.
func neighbour(t *testing.T) (*Engine, engine.Spec, func() (engine.Observed, []byte)) {
	t.Helper()
	e := as(t, Owner{Box: enginetest.Box + "-neighbour"})
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	if code, err := e.Exec(t.Context(), spec.Install, engine.Exec{Service: "web", Command: []string{"/app", "write", "/data/members", "Amara, Bo"}}); err != nil || code != 0 {
		t.Fatalf("fill the volume: %d, %v", code, err)
	}
	return e, spec, func() (engine.Observed, []byte) {
		t.Helper()
		have, err := e.Observe(t.Context(), spec.Install)
		if err != nil {
			t.Fatal(err)
		}
		stream, err := e.ReadVolume(t.Context(), spec.Install, "data")
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(stream)
		if err != nil || !bytes.Contains(content, []byte("Amara, Bo")) {
			t.Fatalf("the volume has not what was written: %v", err)
		}
		if err := stream.Close(); err != nil {
			t.Fatal(err)
		}
		return have, content
	}
}

// TestForeign_survivesWhateverAnotherBoxDoes has a second box with an install
// of the same name make, change and remove everything that there is a call for.
func TestForeign_survivesWhateverAnotherBoxDoes(t *testing.T) {
	t.Parallel()
	_, spec, look := neighbour(t)
	before, bytesBefore := look()
	e := connect(t)
	ctx, name := t.Context(), spec.Install
	have, err := e.Observe(ctx, name)
	if err != nil || len(have.Foreign) != 3 || have.Network != nil || len(have.Volumes)+len(have.Containers) > 0 {
		t.Errorf("the other box's are not foreign: %+v, %v", have, err)
	}
	if installs, err := e.Installs(ctx); err != nil || slices.Contains(installs, name) {
		t.Errorf("the other box's install is listed: %v, %v", installs, err)
	}
	for what, err := range map[string]error{
		"plan":             enginetest.Try(ctx, e, spec),
		"create network":   e.CreateNetwork(ctx, name, spec.Subnet),
		"create volume":    e.CreateVolume(ctx, name, "data"),
		"create container": e.CreateContainer(ctx, spec, spec.Services[0]),
		"remove network":   e.RemoveNetwork(ctx, name),
		"remove volume":    e.RemoveVolume(ctx, name, "data"),
	} {
		t.Run(what, func(t *testing.T) { wantProblem(t, err, "install-of-another-box", enginetest.Box+"-neighbour") })
	}
	if _, err := e.ReadVolume(ctx, name, "data"); err == nil {
		t.Error("the other box's volume was read")
	}
	if err := e.StartContainer(ctx, name, "web"); err == nil {
		t.Error("the other box's container was started")
	}
	if err := e.StopContainer(ctx, name, "web"); err != nil {
		t.Error(err)
	}
	if err := e.RemoveContainer(ctx, name, "web"); err != nil {
		t.Error(err)
	}
	if err := enginetest.Remove(ctx, e, name); err != nil {
		t.Error(err)
	}
	unchanged(t, look, before, bytesBefore)
}

func unchanged(t *testing.T, look func() (engine.Observed, []byte), before engine.Observed, content []byte) {
	t.Helper()
	after, bytesAfter := look()
	if len(after.Containers) != 1 || after.Containers[0].ID != before.Containers[0].ID || after.Containers[0].State != engine.Running ||
		!after.Containers[0].Started.Equal(before.Containers[0].Started) || after.Network == nil || after.Network.ID != before.Network.ID {
		t.Errorf("it was %+v, it is %+v", before, after)
	}
	if !bytes.Equal(content, bytesAfter) {
		t.Error("the bytes of its volume changed")
	}
}

// TestForeign_namesOfNobody: what has the name and says of no box is not adopted.
func TestForeign_namesOfNobody(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	if _, err := engine.AssignAddresses(spec.Subnet, spec.Services, nil); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	net, vol, con := engine.NetworkName(spec.Install), engine.VolumeName(spec.Install, "data"), engine.ContainerName(spec.Install, "web")
	if _, err := e.cli.VolumeCreate(ctx, volume.CreateOptions{Name: vol}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.cli.NetworkCreate(ctx, net, network.CreateOptions{Internal: true}); err != nil {
		t.Fatal(err)
	}
	made, err := e.cli.ContainerCreate(ctx, &container.Config{Image: spec.Services[0].Resolved.ID, Entrypoint: []string{"/app"}}, nil, nil, nil, con)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		_ = e.cli.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true})
		_ = e.cli.NetworkRemove(ctx, net)
		_ = e.cli.VolumeRemove(ctx, vol, false)
	})
	wantProblem(t, e.CreateNetwork(ctx, spec.Install, spec.Subnet), "engine-name-taken", "whose it is")
	wantProblem(t, e.CreateVolume(ctx, spec.Install, "data"), "engine-name-taken", "whose it is")
	wantProblem(t, e.CreateContainer(ctx, spec, spec.Services[0]), "engine-name-taken", "whose it is")
	if err := enginetest.Remove(ctx, e, spec.Install); err != nil {
		t.Error(err)
	}
	if _, err := e.cli.VolumeInspect(ctx, vol); err != nil {
		t.Errorf("nobody's volume: %v", err)
	}
}

// TestOwner_knowsWhatAnOlderAgentMade: networks and volumes without the label
// of a box are those of an install that the store knows from then, and of no
// other, and of none that another box runs.
func TestOwner_knowsWhatAnOlderAgentMade(t *testing.T) {
	t.Parallel()
	old := as(t, Owner{Box: enginetest.Box, Unlabelled: func(context.Context, appliance.InstallName) (bool, error) { return true, nil }})
	spec := one(t, old, nil)
	ctx := t.Context()
	labels := old.volumeLabels(spec.Install, "data")
	delete(labels, engine.LabelBox)
	if _, err := old.cli.VolumeCreate(ctx, volume.CreateOptions{Name: engine.VolumeName(spec.Install, "data"), Labels: labels}); err != nil {
		t.Fatal(err)
	}
	fresh := connect(t)
	if have, err := fresh.Observe(ctx, spec.Install); err != nil || len(have.Volumes) > 0 || len(have.Foreign) != 1 {
		t.Errorf("a box that does not know it from before has %+v, %v", have, err)
	}
	wantProblem(t, fresh.RemoveVolume(ctx, spec.Install, "data"), "engine-name-taken", "whose it is")
	enginetest.Run(t, old, spec)
	other := as(t, Owner{Box: enginetest.Box + "-other", Unlabelled: old.owner.Unlabelled})
	wantProblem(t, other.RemoveVolume(ctx, spec.Install, "data"), "engine-name-taken", "whose it is")
	if err := enginetest.Remove(ctx, old, spec.Install); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := old.ownVolume(ctx, spec.Install, "data"); ok || err != nil {
		t.Errorf("its own was not removed: %v", err)
	}
}
