// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/hostname"
)

// zoneInput is the input of the jobs about a zone.
type zoneInput struct{ Zone hostname.Name }

// Names lists the zones on this box with their records.
func (b *backend) Names(ctx context.Context) ([]appliance.Zone, error) {
	zones, err := b.names.Zones(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]appliance.Zone, len(zones))
	for i, z := range zones {
		out[i] = appliance.Zone{Zone: z.Name, Serial: z.Serial, Records: z.All()}
	}
	return out, nil
}

// PlanAddName says what adding a zone would do.
func (b *backend) PlanAddName(ctx context.Context, zone string) (appliance.Plan, error) {
	z, err := hostname.Parse(zone)
	if err != nil {
		return appliance.Plan{}, err
	}
	return b.names.PlanAddZone(ctx, z)
}

// AddName starts adding a zone.
func (b *backend) AddName(ctx context.Context, zone, planHash string) (appliance.Job, error) {
	return b.zoneJob(ctx, appliance.ChangeAddName, zone, planHash, b.PlanAddName)
}

// PlanRemoveName says what removing a zone would do.
func (b *backend) PlanRemoveName(ctx context.Context, zone string) (appliance.Plan, error) {
	z, err := hostname.Parse(zone)
	if err != nil {
		return appliance.Plan{}, err
	}
	return b.names.PlanRemoveZone(ctx, z)
}

// RemoveName starts removing a zone.
func (b *backend) RemoveName(ctx context.Context, zone, planHash string) (appliance.Job, error) {
	return b.zoneJob(ctx, appliance.ChangeRemoveName, zone, planHash, b.PlanRemoveName)
}

func (b *backend) zoneJob(ctx context.Context, kind appliance.Change, zone, planHash string, plan func(context.Context, string) (appliance.Plan, error)) (appliance.Job, error) {
	p, err := plan(ctx, zone)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := p.Agreed(planHash); err != nil {
		return appliance.Job{}, err
	}
	z, err := hostname.Parse(zone)
	if err != nil {
		return appliance.Job{}, err
	}
	return b.jobs.Start(ctx, kind, p.Subject, zoneInput{Zone: z})
}

func (b *backend) addZoneSteps(_ context.Context, in zoneInput) ([]jobs.Step, error) {
	return b.names.AddZoneSteps(in.Zone), nil
}

func (b *backend) removeZoneSteps(_ context.Context, in zoneInput) ([]jobs.Step, error) {
	return b.names.RemoveZoneSteps(in.Zone), nil
}

// CheckZone looks up who answers for a zone of this box.
func (b *backend) CheckZone(ctx context.Context, zone string) (appliance.ZoneCheck, error) {
	z, err := hostname.Parse(zone)
	if err != nil {
		return appliance.ZoneCheck{}, err
	}
	return b.names.CheckZone(ctx, z)
}

// CheckName looks a host up where it counts.
func (b *backend) CheckName(ctx context.Context, host string) (appliance.NameCheck, error) {
	h, err := hostname.Parse(host)
	if err != nil {
		return appliance.NameCheck{}, err
	}
	return b.names.Check(ctx, h)
}
