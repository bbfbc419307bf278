// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// Observe returns what exists of an install.
func (e *Engine) Observe(ctx context.Context, install appliance.InstallName) (engine.Observed, error) {
	out := engine.Observed{Install: install}
	if err := e.meet(ctx); err != nil {
		return out, err
	}
	for _, look := range []func(context.Context, *engine.Observed) error{e.observeContainers, e.observeNetworks, e.observeVolumes} {
		if err := look(ctx, &out); err != nil {
			return out, err
		}
	}
	slices.Sort(out.Volumes)
	slices.SortFunc(out.Containers, func(a, b engine.Container) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (e *Engine) observeNetworks(ctx context.Context, out *engine.Observed) error {
	nets, err := e.cli.NetworkList(ctx, network.ListOptions{Filters: named(out.Install)})
	if err != nil {
		return e.wrap(err, "list networks")
	}
	for _, n := range nets {
		ours, err := e.owns(ctx, out.Install, n.Labels)
		if err != nil {
			return err
		}
		if !ours {
			out.Foreign = append(out.Foreign, foreign("network", n.Name, n.Labels))
		} else if subnets := subnetsOf(n); n.Name == engine.NetworkName(out.Install) && len(subnets) > 0 {
			out.Network = &engine.Network{ID: n.ID, Subnet: subnets[0]}
		}
	}
	return nil
}

func (e *Engine) observeVolumes(ctx context.Context, out *engine.Observed) error {
	vols, err := e.cli.VolumeList(ctx, volume.ListOptions{Filters: named(out.Install)})
	if err != nil {
		return e.wrap(err, "list volumes")
	}
	for _, v := range vols.Volumes {
		ours, err := e.owns(ctx, out.Install, v.Labels)
		if err != nil {
			return err
		}
		if ours {
			out.Volumes = append(out.Volumes, v.Labels[engine.LabelVolume])
		} else {
			out.Foreign = append(out.Foreign, foreign("volume", v.Name, v.Labels))
		}
	}
	return nil
}

func (e *Engine) observeContainers(ctx context.Context, out *engine.Observed) error {
	list, err := e.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: named(out.Install)})
	if err != nil {
		return e.wrap(err, "list containers")
	}
	for _, c := range list {
		i, err := e.cli.ContainerInspect(ctx, c.ID)
		if cerrdefs.IsNotFound(err) { // removed since it was listed
			continue
		}
		if err != nil {
			return e.wrap(err, "inspect container")
		}
		if i.Config.Labels[engine.LabelBox] == e.owner.Box {
			out.Containers = append(out.Containers, observed(out.Install, i))
		} else {
			out.Foreign = append(out.Foreign, foreign("container", strings.TrimPrefix(i.Name, "/"), i.Config.Labels))
		}
	}
	return nil
}

// observed reads one container. One whose name is not final yet was not
// finished; without its hash, the planner makes it anew.
func observed(install appliance.InstallName, i container.InspectResponse) engine.Container {
	labels := i.Config.Labels
	service := labels[engine.LabelService]
	release, _ := strconv.Atoi(labels[engine.LabelRelease])       // ours; 0 if somebody changed it
	started, _ := time.Parse(time.RFC3339Nano, i.State.StartedAt) // zero if it never started
	c := engine.Container{
		ID: i.ID, Name: strings.TrimPrefix(i.Name, "/"), Service: service,
		Release:    release,
		ConfigHash: labels[engine.LabelConfigHash], Hosts: labels[engine.LabelHosts], ImageID: i.Image, State: state(i.State.Status),
		ExitCode: i.State.ExitCode, Restarts: i.RestartCount, OOMKilled: i.State.OOMKilled, Started: started,
	}
	if c.Name != engine.ContainerName(install, service) {
		c.ConfigHash = ""
	}
	if i.State.Health != nil && i.State.Health.Status != container.NoHealthcheck && c.State == engine.Running {
		c.Health = i.State.Health.Status
	}
	if ep := i.NetworkSettings.Networks[engine.NetworkName(install)]; ep != nil {
		c.Address, _ = netip.ParseAddr(ep.IPAddress) // it has none while it does not run
		if !c.Address.IsValid() && ep.IPAMConfig != nil {
			c.Address, _ = netip.ParseAddr(ep.IPAMConfig.IPv4Address) // zero then
		}
	}
	return c
}

// state puts the engine's words into ours. A paused container does not serve:
// starting it is right, so it counts as exited.
func state(s container.ContainerState) engine.ContainerState {
	switch s {
	case container.StateCreated:
		return engine.Created
	case container.StateRunning:
		return engine.Running
	case container.StateRestarting:
		return engine.Restarting
	case container.StateDead, container.StateRemoving:
		return engine.Dead
	default:
		return engine.Exited
	}
}

// Installs names every install of this box of which anything but images exists.
func (e *Engine) Installs(ctx context.Context) ([]appliance.InstallName, error) {
	if err := e.meet(ctx); err != nil {
		return nil, err
	}
	ours := e.own(engine.LabelInstall)
	var out []appliance.InstallName
	add := func(labels map[string]string) {
		out = append(out, appliance.InstallName(labels[engine.LabelInstall]))
	}
	list, err := e.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	if err != nil {
		return nil, e.wrap(err, "list containers")
	}
	for _, c := range list {
		add(c.Labels)
	}
	nets, err := e.cli.NetworkList(ctx, network.ListOptions{Filters: ours})
	if err != nil {
		return nil, e.wrap(err, "list networks")
	}
	for _, n := range nets {
		add(n.Labels)
	}
	vols, err := e.cli.VolumeList(ctx, volume.ListOptions{Filters: ours})
	if err != nil {
		return nil, e.wrap(err, "list volumes")
	}
	for _, v := range vols.Volumes {
		add(v.Labels)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// UsedSubnets lists the subnets of every network of the engine, ours or not.
func (e *Engine) UsedSubnets(ctx context.Context) ([]netip.Prefix, error) {
	if err := e.meet(ctx); err != nil {
		return nil, err
	}
	nets, err := e.cli.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return nil, e.wrap(err, "list networks")
	}
	var out []netip.Prefix
	for _, n := range nets {
		out = append(out, subnetsOf(n)...)
	}
	return out, nil
}

func subnetsOf(n network.Inspect) []netip.Prefix {
	var out []netip.Prefix
	for _, c := range n.IPAM.Config {
		if p, err := netip.ParsePrefix(c.Subnet); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}
