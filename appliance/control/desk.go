// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
)

// Desk is the link to the support desk.
type Desk interface {
	// Status says how the link is.
	Status(ctx context.Context) (appliance.DeskLink, error)
	// PlanJoin says which desk the code is of, and what would be sent to it.
	PlanJoin(ctx context.Context, req appliance.JoinDesk) (appliance.Plan, error)
	// Join uses the invitation and returns the link with its four words.
	Join(ctx context.Context, req appliance.JoinDesk) (appliance.DeskLink, error)
	// Leave ends the link; it works without the desk.
	Leave(ctx context.Context) error
	// Preview is the last report, or before the first the next one, as the desk gets
	// it, with line breaks for people.
	Preview(ctx context.Context) (string, error)
}

var deskArea = area[Desk]{part: func(a Agent) Desk { return a.Desk }}

var (
	deskStatus   = get(&deskArea, "/v1/desk", "The link to the support desk.", bare(Desk.Status))
	planJoinDesk = post(&deskArea, "/v1/plans/join-desk", "What joining a desk would do, and what would be sent.", Desk.PlanJoin)
	joinDesk     = post(&deskArea, "/v1/desk", "Joins a desk; answers the link with its four words.", Desk.Join)
	leaveDesk    = del(&deskArea, "/v1/desk", "Leaves the desk.", func(d Desk, ctx context.Context, _ none) (none, error) { return none{}, d.Leave(ctx) })
	deskPreview  = get(&deskArea, "/v1/desk/preview", "The last or next report, as the desk gets it, in a string.", bare(Desk.Preview))
)

type deskClient struct{ *client }

func (c deskClient) Status(ctx context.Context) (appliance.DeskLink, error) {
	return deskStatus.do(ctx, c.client, none{})
}

func (c deskClient) PlanJoin(ctx context.Context, req appliance.JoinDesk) (appliance.Plan, error) {
	return planJoinDesk.do(ctx, c.client, req)
}

func (c deskClient) Join(ctx context.Context, req appliance.JoinDesk) (appliance.DeskLink, error) {
	return joinDesk.do(ctx, c.client, req)
}

func (c deskClient) Leave(ctx context.Context) error {
	_, err := leaveDesk.do(ctx, c.client, none{})
	return err
}

func (c deskClient) Preview(ctx context.Context) (string, error) {
	return deskPreview.do(ctx, c.client, none{})
}
