// SPDX-License-Identifier: AGPL-3.0-or-later

package engine

import (
	"context"
	"net/netip"

	"coopkit/appliance"
)

type createNetwork struct {
	Install appliance.InstallName
	Subnet  netip.Prefix
}

func (s createNetwork) Name() string { return "create-network" }

func (s createNetwork) Describe() appliance.Line {
	return appliance.Line{Verb: appliance.VerbCreate, Kind: appliance.KindNetwork, Name: string(s.Install), To: s.Subnet.String()}
}

func (s createNetwork) Do(ctx context.Context, e Engine, _ appliance.Progress) error {
	return e.CreateNetwork(ctx, s.Install, s.Subnet)
}

type removeNetwork struct {
	Install appliance.InstallName
	Subnet  netip.Prefix
}

func (s removeNetwork) Name() string { return "remove-network" }

func (s removeNetwork) Describe() appliance.Line {
	return appliance.Line{Verb: appliance.VerbRemove, Kind: appliance.KindNetwork, Name: string(s.Install), From: s.Subnet.String()}
}

func (s removeNetwork) Do(ctx context.Context, e Engine, _ appliance.Progress) error {
	return e.RemoveNetwork(ctx, s.Install)
}

type createVolume struct {
	Install appliance.InstallName
	Volume  string
}

func (s createVolume) Name() string { return "create-volume-" + s.Volume }

func (s createVolume) Describe() appliance.Line {
	return appliance.Line{Verb: appliance.VerbCreate, Kind: appliance.KindVolume, Name: s.Volume, To: VolumeName(s.Install, s.Volume)}
}

func (s createVolume) Do(ctx context.Context, e Engine, _ appliance.Progress) error {
	return e.CreateVolume(ctx, s.Install, s.Volume)
}

// removeVolume is made by Teardown only.
type removeVolume struct {
	Install appliance.InstallName
	Volume  string
}

func (s removeVolume) Name() string { return "remove-volume-" + s.Volume }

func (s removeVolume) Describe() appliance.Line {
	return appliance.Line{Verb: appliance.VerbDelete, Kind: appliance.KindVolume, Name: s.Volume, From: VolumeName(s.Install, s.Volume), Destructive: true}
}

func (s removeVolume) Do(ctx context.Context, e Engine, _ appliance.Progress) error {
	return e.RemoveVolume(ctx, s.Install, s.Volume)
}

// create holds the whole spec, with secrets: it prints as its line.
type create struct {
	spec    Spec
	service Service
}

func (s create) Name() string { return "create-container-" + s.service.Name }

func (s create) Describe() appliance.Line {
	to := s.service.Resolved.Ref
	if to == "" {
		to = s.service.Resolved.ID
	}
	return appliance.Line{Verb: appliance.VerbCreate, Kind: appliance.KindContainer, Name: s.service.Name, To: to}
}

func (s create) Do(ctx context.Context, e Engine, _ appliance.Progress) error {
	return e.CreateContainer(ctx, s.spec, s.service)
}

// String and GoString keep the spec's secrets out of every %v and %#v.
func (s create) String() string   { return s.Name() }
func (s create) GoString() string { return s.Name() }

type start struct {
	Install appliance.InstallName
	Service string
}

func (s start) Name() string { return "start-" + s.Service }

func (s start) Describe() appliance.Line {
	return appliance.Line{Verb: appliance.VerbStart, Kind: appliance.KindContainer, Name: s.Service}
}

func (s start) Do(ctx context.Context, e Engine, _ appliance.Progress) error {
	return e.StartContainer(ctx, s.Install, s.Service)
}

type stop struct {
	Install appliance.InstallName
	Service string
}

func (s stop) Name() string { return "stop-" + s.Service }

func (s stop) Describe() appliance.Line {
	return appliance.Line{Verb: appliance.VerbStop, Kind: appliance.KindContainer, Name: s.Service}
}

func (s stop) Do(ctx context.Context, e Engine, _ appliance.Progress) error {
	return e.StopContainer(ctx, s.Install, s.Service)
}

type removeContainer struct {
	Install appliance.InstallName
	Service string
}

func (s removeContainer) Name() string { return "remove-container-" + s.Service }

func (s removeContainer) Describe() appliance.Line {
	return appliance.Line{Verb: appliance.VerbRemove, Kind: appliance.KindContainer, Name: s.Service}
}

func (s removeContainer) Do(ctx context.Context, e Engine, _ appliance.Progress) error {
	return e.RemoveContainer(ctx, s.Install, s.Service)
}
