// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"net/netip"
	"slices"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// CreateNetwork makes the install's network with exactly that subnet. One that
// exists with that subnet is fine.
func (e *Engine) CreateNetwork(ctx context.Context, install appliance.InstallName, subnet netip.Prefix) error {
	_, err := e.cli.NetworkCreate(ctx, engine.NetworkName(install), network.CreateOptions{
		Driver: "bridge",
		IPAM: &network.IPAM{Driver: "default", Config: []network.IPAMConfig{{
			Subnet: subnet.Masked().String(), Gateway: engine.Gateway(subnet).String(),
		}}},
		Labels: e.networkLabels(install),
	})
	switch {
	case err == nil:
		return nil
	case cerrdefs.IsConflict(err):
		n, ok, ownErr := e.ownNetwork(ctx, install)
		if ownErr != nil || ok && slices.Contains(subnetsOf(n), subnet.Masked()) {
			return ownErr
		}
	case cerrdefs.IsPermissionDenied(err): // what the engine says when it overlaps another one
		return &problem.Problem{
			Code: "subnet-taken", Kind: problem.Conflict,
			What: "the network address range " + subnet.String() + " is in use already",
			Why:  "another network of the container engine took it in the meantime",
			Next: []string{"try again: another range will be chosen", "docker network ls"},
			Err:  err,
		}
	}
	return e.wrap(err, "create network")
}

// RemoveNetwork removes the install's network. What somebody attached to it by
// hand, and endpoints that a killed engine forgot, are detached first.
func (e *Engine) RemoveNetwork(ctx context.Context, install appliance.InstallName) error {
	n, ok, err := e.ownNetwork(ctx, install)
	if err != nil || !ok {
		return err
	}
	err = e.cli.NetworkRemove(ctx, n.ID)
	if cerrdefs.IsPermissionDenied(err) { // what the engine says when something is attached
		if err := e.detachAll(ctx, n.ID); err != nil {
			return err
		}
		err = e.cli.NetworkRemove(ctx, n.ID)
	}
	return e.wrap(ignoreMissing(err), "remove network")
}

func (e *Engine) detachAll(ctx context.Context, id string) error {
	n, err := e.cli.NetworkInspect(ctx, id, network.InspectOptions{})
	if err != nil {
		return e.wrap(ignoreMissing(err), "inspect network")
	}
	for attached, endpoint := range n.Containers {
		err := e.cli.NetworkDisconnect(ctx, n.ID, attached, true)
		if cerrdefs.IsNotFound(err) { // a forgotten endpoint is known by its name only
			err = e.cli.NetworkDisconnect(ctx, n.ID, endpoint.Name, true)
		}
		if ignoreMissing(err) != nil {
			return e.wrap(err, "detach from network")
		}
	}
	return nil
}
