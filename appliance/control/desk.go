// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
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

var deskArea = localrpc.Area[Agent, Desk]{Part: func(a Agent) Desk { return a.Desk }}

var (
	deskStatus   = localrpc.Get(&deskArea, "/v1/desk", "The link to the support desk.", localrpc.Bare(Desk.Status))
	planJoinDesk = localrpc.Post(&deskArea, "/v1/plans/join-desk", "What joining a desk would do, and what would be sent.", Desk.PlanJoin)
	joinDesk     = localrpc.Post(&deskArea, "/v1/desk", "Joins a desk; answers the link with its four words.", Desk.Join)
	leaveDesk    = localrpc.Delete(&deskArea, "/v1/desk", "Leaves the desk.", func(d Desk, ctx context.Context, _ localrpc.None) (localrpc.None, error) {
		return localrpc.None{}, d.Leave(ctx)
	})
	deskPreview = localrpc.Get(&deskArea, "/v1/desk/preview", "The last or next report, as the desk gets it, in a string.", localrpc.Bare(Desk.Preview))
)

type deskClient struct{ *localrpc.Client }

func (c deskClient) Status(ctx context.Context) (appliance.DeskLink, error) {
	return deskStatus.Do(ctx, c.Client, localrpc.None{})
}

func (c deskClient) PlanJoin(ctx context.Context, req appliance.JoinDesk) (appliance.Plan, error) {
	return planJoinDesk.Do(ctx, c.Client, req)
}

func (c deskClient) Join(ctx context.Context, req appliance.JoinDesk) (appliance.DeskLink, error) {
	return joinDesk.Do(ctx, c.Client, req)
}

func (c deskClient) Leave(ctx context.Context) error {
	_, err := leaveDesk.Do(ctx, c.Client, localrpc.None{})
	return err
}

func (c deskClient) Preview(ctx context.Context) (string, error) {
	return deskPreview.Do(ctx, c.Client, localrpc.None{})
}
