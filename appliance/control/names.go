// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"io"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Names are the DNS zones on this box, and where names lead.
type Names interface {
	Zones(ctx context.Context) ([]appliance.Zone, error)
	PlanAddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error)
	AddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error)
	PlanRemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error)
	RemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error)
	// Export writes a zone as a zone file (RFC 1035).
	Export(ctx context.Context, zone string, w io.Writer) error
	Check(ctx context.Context, host string) (appliance.NameCheck, error)
	// CheckZone looks up, as anybody would, who answers for a zone of this box.
	CheckZone(ctx context.Context, zone string) (appliance.ZoneCheck, error)
}

var namesArea = localrpc.Area[Agent, Names]{Part: func(a Agent) Names { return a.Names }}

var (
	zones          = localrpc.Get(&namesArea, "/v1/names", "The zones of this box and their records.", localrpc.Bare(Names.Zones))
	planAddZone    = localrpc.Post(&namesArea, "/v1/plans/add-name", "What serving a zone would do.", Names.PlanAddZone)
	addZone        = localrpc.Post(&namesArea, "/v1/names", "Serves a zone.", Names.AddZone)
	planRemoveZone = localrpc.Post(&namesArea, "/v1/plans/remove-name", "What giving a zone up would do.", Names.PlanRemoveZone)
	removeZone     = localrpc.Delete(&namesArea, "/v1/names/{zone}", "Gives a zone up.", Names.RemoveZone)
	exportZone     = localrpc.Download(&namesArea, "/v1/names/{zone}/export", "A zone as a zone file (RFC 1035).", Names.Export)
	checkName      = localrpc.Get(&namesArea, "/v1/names/{host}/check", "Looks a host up where it counts.", Names.Check)
	checkZone      = localrpc.Get(&namesArea, "/v1/names/{zone}/delegation", "Looks up who the world asks for a zone.", Names.CheckZone)
)

type namesClient struct{ *localrpc.Client }

func (c namesClient) Zones(ctx context.Context) ([]appliance.Zone, error) {
	return zones.Do(ctx, c.Client, localrpc.None{})
}

func (c namesClient) PlanAddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error) {
	return planAddZone.Do(ctx, c.Client, req)
}

func (c namesClient) AddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error) {
	return addZone.Do(ctx, c.Client, req)
}

func (c namesClient) PlanRemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error) {
	return planRemoveZone.Do(ctx, c.Client, req)
}

func (c namesClient) RemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error) {
	return removeZone.Do(ctx, c.Client, req)
}

func (c namesClient) Export(ctx context.Context, zone string, w io.Writer) error {
	return exportZone.Do(ctx, c.Client, zone, w)
}

func (c namesClient) Check(ctx context.Context, host string) (appliance.NameCheck, error) {
	return checkName.Do(ctx, c.Client, host)
}

func (c namesClient) CheckZone(ctx context.Context, zone string) (appliance.ZoneCheck, error) {
	return checkZone.Do(ctx, c.Client, zone)
}
