// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
)

// Names are the DNS zones on this box, and where names lead.
type Names interface {
	Zones(ctx context.Context) ([]appliance.Zone, error)
	PlanAddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error)
	AddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error)
	PlanRemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error)
	RemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error)
	Check(ctx context.Context, host string) (appliance.NameCheck, error)
	// CheckZone looks up, as anybody would, who answers for a zone of this box.
	CheckZone(ctx context.Context, zone string) (appliance.ZoneCheck, error)
}

var namesArea = area[Names]{part: func(a Agent) Names { return a.Names }}

var (
	zones          = get(&namesArea, "/v1/names", "The zones of this box and their records.", bare(Names.Zones))
	planAddZone    = post(&namesArea, "/v1/plans/add-name", "What serving a zone would do.", Names.PlanAddZone)
	addZone        = post(&namesArea, "/v1/names", "Serves a zone.", Names.AddZone)
	planRemoveZone = post(&namesArea, "/v1/plans/remove-name", "What giving a zone up would do.", Names.PlanRemoveZone)
	removeZone     = del(&namesArea, "/v1/names/{zone}", "Gives a zone up.", Names.RemoveZone)
	checkName      = get(&namesArea, "/v1/names/{host}/check", "Looks a host up where it counts.", Names.Check)
	checkZone      = get(&namesArea, "/v1/names/{zone}/delegation", "Looks up who the world asks for a zone.", Names.CheckZone)
)

type namesClient struct{ *client }

func (c namesClient) Zones(ctx context.Context) ([]appliance.Zone, error) {
	return zones.do(ctx, c.client, none{})
}

func (c namesClient) PlanAddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error) {
	return planAddZone.do(ctx, c.client, req)
}

func (c namesClient) AddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error) {
	return addZone.do(ctx, c.client, req)
}

func (c namesClient) PlanRemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error) {
	return planRemoveZone.do(ctx, c.client, req)
}

func (c namesClient) RemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error) {
	return removeZone.do(ctx, c.client, req)
}

func (c namesClient) Check(ctx context.Context, host string) (appliance.NameCheck, error) {
	return checkName.do(ctx, c.client, host)
}

func (c namesClient) CheckZone(ctx context.Context, zone string) (appliance.ZoneCheck, error) {
	return checkZone.do(ctx, c.client, zone)
}
