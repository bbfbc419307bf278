// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// named filters on what bears the name of an install, whosever it is.
func named(install appliance.InstallName) filters.Args {
	return filters.NewArgs(filters.Arg("label", engine.LabelInstall+"="+string(install)))
}

// own filters on what this box made, plus more labels as "key=value".
func (e *Engine) own(more ...string) filters.Args {
	f := filters.NewArgs(filters.Arg("label", engine.LabelBox+"="+e.owner.Box))
	for _, l := range more {
		f.Add("label", l)
	}
	return f
}

// containers lists this box's containers of a service, half-made ones too.
func (e *Engine) containers(ctx context.Context, install appliance.InstallName, service string) ([]container.Summary, error) {
	list, err := e.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: e.own(
		engine.LabelInstall+"="+string(install), engine.LabelService+"="+service,
	)})
	return list, e.wrap(err, "list containers")
}

// container returns the id of this box's container of a service.
func (e *Engine) container(ctx context.Context, install appliance.InstallName, service string) (id string, ok bool, err error) {
	list, err := e.containers(ctx, install, service)
	name := engine.ContainerName(install, service)
	for _, c := range list {
		for _, n := range c.Names {
			if strings.TrimPrefix(n, "/") == name {
				return c.ID, true, nil
			}
		}
	}
	return "", false, err
}

// needContainer is container for what cannot be done without one.
func (e *Engine) needContainer(ctx context.Context, install appliance.InstallName, service string) (string, error) {
	id, ok, err := e.container(ctx, install, service)
	if err == nil && !ok {
		err = fmt.Errorf("find container %s of this box: %w", engine.ContainerName(install, service), cerrdefs.ErrNotFound)
	}
	return id, err
}

// owns reports whether a network or volume with these labels is of this box
// and of this install. One without the label of a box counts if the store knows
// the install from before networks and volumes had it, and no other box has a
// container of the name.
func (e *Engine) owns(ctx context.Context, install appliance.InstallName, labels map[string]string) (bool, error) {
	if labels[engine.LabelInstall] != string(install) {
		return false, nil
	}
	if box, has := labels[engine.LabelBox]; has || e.owner.Unlabelled == nil {
		return box == e.owner.Box, nil
	}
	if old, err := e.owner.Unlabelled(ctx, install); err != nil || !old {
		return false, err
	}
	list, err := e.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: named(install)})
	if err != nil {
		return false, e.wrap(err, "list containers")
	}
	for _, c := range list {
		if c.Labels[engine.LabelBox] != e.owner.Box {
			return false, nil
		}
	}
	return true, nil
}

// ownNetwork returns the network that has the install's name: ok if it is this
// box's, its owner's Problem if it is not, and neither if there is none.
func (e *Engine) ownNetwork(ctx context.Context, install appliance.InstallName) (n network.Inspect, ok bool, err error) {
	name := engine.NetworkName(install)
	n, err = e.cli.NetworkInspect(ctx, name, network.InspectOptions{})
	if err != nil {
		return n, false, e.wrap(ignoreMissing(err), "inspect network")
	}
	if n.Name != name { // the engine also finds by the beginning of an id
		return n, false, nil
	}
	ok, err = e.owns(ctx, install, n.Labels)
	if err == nil && !ok {
		err = foreign("network", name, n.Labels).Taken()
	}
	return n, ok, err
}

// ownVolume is ownNetwork for a volume.
func (e *Engine) ownVolume(ctx context.Context, install appliance.InstallName, name string) (v volume.Volume, ok bool, err error) {
	full := engine.VolumeName(install, name)
	v, err = e.cli.VolumeInspect(ctx, full)
	if err != nil {
		return v, false, e.wrap(ignoreMissing(err), "inspect volume")
	}
	ok, err = e.owns(ctx, install, v.Labels)
	if err == nil && !ok {
		err = foreign("volume", full, v.Labels).Taken()
	}
	return v, ok, err
}

func foreign(kind, name string, labels map[string]string) engine.Foreign {
	return engine.Foreign{Kind: kind, Name: name, Box: labels[engine.LabelBox]}
}
