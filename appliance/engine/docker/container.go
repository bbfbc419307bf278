// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"errors"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// unfinished is added to a container's name until its files are in it, so that
// a container that a crash left half-made is never taken for a whole one.
const unfinished = "-new"

// CreateContainer makes the container of a service, with its files, without
// starting it. One that exists and was made from the same service stays; any
// other one is replaced. Volumes are not touched.
func (e *Engine) CreateContainer(ctx context.Context, spec engine.Spec, s engine.Service) error {
	name := engine.ContainerName(spec.Install, s.Name)
	old, err := e.cli.ContainerInspect(ctx, name)
	switch labels := old.Config; {
	case ignoreMissing(err) != nil:
		return e.wrap(err, "inspect container")
	case err != nil: // there is none
	case labels.Labels[engine.LabelInstall] != string(spec.Install) || labels.Labels[engine.LabelBox] != e.owner.Box:
		return foreign("container", name, labels.Labels).Taken()
	case labels.Labels[engine.LabelConfigHash] == engine.ConfigHash(s):
		return nil
	}
	if err := e.RemoveContainer(ctx, spec.Install, s.Name); err != nil {
		return err
	}
	groups, err := fileGroups(s)
	if err != nil {
		return err
	}
	first := name
	if len(groups) > 0 {
		first += unfinished
	}
	made, err := e.cli.ContainerCreate(ctx, e.config(spec, s, e.knowsStartInterval()), hostConfig(spec, s), networking(spec, s), nil, first)
	if err != nil {
		return e.refused(ctx, err, spec.Install, s.Name, "made")
	}
	if len(groups) == 0 {
		return nil
	}
	for _, g := range groups {
		content, err := g.tar()
		if err != nil {
			return err
		}
		if err := e.cli.CopyToContainer(ctx, made.ID, g.root, content, container.CopyToContainerOptions{}); err != nil {
			return e.wrap(err, "copy files into container")
		}
	}
	return e.wrap(e.cli.ContainerRename(ctx, made.ID, name), "rename container")
}

// StartContainer starts a container; one that runs stays as it is. One that
// somebody paused is restarted: the engine calls it unhealthy after unpausing
// until its next check, and nobody could tell that from a real fault.
func (e *Engine) StartContainer(ctx context.Context, install appliance.InstallName, service string) error {
	id, err := e.needContainer(ctx, install, service)
	if err != nil {
		return err
	}
	err = e.cli.ContainerStart(ctx, id, container.StartOptions{})
	if cerrdefs.IsConflict(err) {
		err = e.cli.ContainerRestart(ctx, id, container.StopOptions{})
	}
	return e.refused(ctx, err, install, service, "started")
}

// refused explains why a container could not be made or started, in the
// engine's words: they name the missing program, image or memory.
func (e *Engine) refused(ctx context.Context, err error, install appliance.InstallName, service, what string) error {
	wrapped := e.wrap(err, "have container "+what)
	if err == nil || ctx.Err() != nil || errors.Is(wrapped, &problem.Problem{Code: "engine-unreachable"}) {
		return cause(ctx, wrapped)
	}
	return &problem.Problem{
		Code: "container-refused",
		What: fmt.Sprintf("the container of %s of %s could not be %s", service, install, what),
		Why:  "the container engine says: " + err.Error(),
		Next: []string{
			"df -h and free -m, to see whether disk or memory is full",
			"coopkit app restart " + string(install) + ", which makes again what is missing",
			"ask your IT co-op, with this text",
		},
		Err: wrapped,
	}
}

// StopContainer asks the service to end, and kills it after its grace time.
func (e *Engine) StopContainer(ctx context.Context, install appliance.InstallName, service string) error {
	id, ok, err := e.container(ctx, install, service)
	if err != nil || !ok {
		return err
	}
	err = e.cli.ContainerStop(ctx, id, container.StopOptions{})
	return e.wrap(ignoreMissing(err), "stop container")
}

// RemoveContainer removes the container of a service, running or not, and one
// that was left half-made. Named volumes stay.
func (e *Engine) RemoveContainer(ctx context.Context, install appliance.InstallName, service string) error {
	list, err := e.containers(ctx, install, service)
	if err != nil {
		return err
	}
	for _, c := range list {
		if err := e.removeContainer(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// removeContainer removes with it the anonymous volumes that the image
// declares: what is in them is no more kept than the container's own files.
func (e *Engine) removeContainer(ctx context.Context, id string) error {
	err := e.cli.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if !cerrdefs.IsConflict(err) {
		return e.wrap(ignoreMissing(err), "remove container")
	}
	gone, failed := e.cli.ContainerWait(ctx, id, container.WaitConditionRemoved) // somebody else removes it already
	select {
	case <-gone:
		return nil
	case err := <-failed:
		return e.wrap(ignoreMissing(err), "wait for container to be removed")
	}
}
