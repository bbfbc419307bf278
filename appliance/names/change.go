// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/hostname"
)

// zoneInput is the input of the jobs about a zone.
type zoneInput struct{ Zone hostname.Name }

// Zones returns the zones of this box with their records, sorted by name.
func (n *Names) Zones(ctx context.Context) ([]appliance.Zone, error) {
	stored, err := n.d.Store.Zones(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]appliance.Zone, len(stored))
	for i, z := range stored {
		out[i] = appliance.Zone{Zone: z.Name, Serial: z.Serial, Records: z.All()}
	}
	return out, nil
}

// PlanAddZone says what adding a zone would do, with the records to set where
// the name was registered among the notes. The errors are Problems:
// "name-invalid", "zone-exists", "no-public-address", "dns-not-listening".
func (n *Names) PlanAddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error) {
	name, err := hostname.Parse(req.Zone)
	if err != nil {
		return appliance.Plan{}, err
	}
	return n.planAddZone(ctx, name)
}

// AddZone starts adding a zone. Errors are those of its plan, and
// "plan-changed".
func (n *Names) AddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error) {
	plan, err := n.PlanAddZone(ctx, req)
	return n.start(ctx, plan, req, err)
}

// PlanRemoveZone says what removing a zone would do. The errors are Problems:
// "name-invalid", "no-such-zone", and "zone-in-use" while apps or sites have
// addresses in it.
func (n *Names) PlanRemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error) {
	name, err := hostname.Parse(req.Zone)
	if err != nil {
		return appliance.Plan{}, err
	}
	return n.planRemoveZone(ctx, name)
}

// RemoveZone starts removing a zone. Errors are those of its plan, and
// "plan-changed".
func (n *Names) RemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error) {
	plan, err := n.PlanRemoveZone(ctx, req)
	return n.start(ctx, plan, req, err)
}

// start starts what was planned, if it is what was agreed to.
func (n *Names) start(ctx context.Context, plan appliance.Plan, req appliance.ZoneChange, err error) (appliance.Job, error) {
	if err == nil {
		err = plan.Agreed(req.PlanHash)
	}
	if err != nil {
		return appliance.Job{}, err
	}
	name, err := hostname.Parse(req.Zone)
	if err != nil {
		return appliance.Job{}, err
	}
	return n.d.Jobs.Start(ctx, plan.Kind, plan.Subject, zoneInput{name})
}

func (n *Names) addSteps(_ context.Context, in zoneInput) ([]jobs.Step, error) {
	return n.addZoneSteps(in.Zone), nil
}

func (n *Names) removeSteps(_ context.Context, in zoneInput) ([]jobs.Step, error) {
	return n.removeZoneSteps(in.Zone), nil
}
