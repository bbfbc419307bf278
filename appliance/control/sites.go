// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"io"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Sites are the static sites on this box.
type Sites interface {
	List(ctx context.Context) ([]appliance.Site, error)
	PlanPush(ctx context.Context, req appliance.PushSite) (appliance.Plan, error)
	// Push publishes a tar stream as the next version of the site. It reads the
	// stream before it returns.
	Push(ctx context.Context, host string, tar io.Reader) (appliance.Job, error)
	Versions(ctx context.Context, host string) ([]appliance.Site, error)
	Rollback(ctx context.Context, req appliance.RollbackSite) (appliance.Job, error)
	PlanRemove(ctx context.Context, req appliance.RemoveSite) (appliance.Plan, error)
	Remove(ctx context.Context, req appliance.RemoveSite) (appliance.Job, error)
}

var sitesArea = localrpc.Area[Agent, Sites]{Part: func(a Agent) Sites { return a.Sites }}

var (
	listSites      = localrpc.Get(&sitesArea, "/v1/sites", "The static sites.", localrpc.Bare(Sites.List))
	planPushSite   = localrpc.Post(&sitesArea, "/v1/plans/push-site", "What publishing a site would do.", Sites.PlanPush)
	pushSite       = localrpc.Upload(&sitesArea, "/v1/sites/{host}", "Publishes the next version. Body: a tar stream of any size.", Sites.Push)
	versionsOfSite = localrpc.Get(&sitesArea, "/v1/sites/{host}/versions", "Its versions, newest first.", Sites.Versions)
	rollbackSite   = localrpc.Post(&sitesArea, "/v1/sites/{host}/rollback", "Publishes an older version again; 0 is the one before.", Sites.Rollback)
	planRemoveSite = localrpc.Post(&sitesArea, "/v1/plans/remove-site", "What removing a site would do.", Sites.PlanRemove)
	removeSite     = localrpc.Delete(&sitesArea, "/v1/sites/{host}", "Removes a site and its versions.", Sites.Remove)
)

type sitesClient struct{ *localrpc.Client }

func (c sitesClient) List(ctx context.Context) ([]appliance.Site, error) {
	return listSites.Do(ctx, c.Client, localrpc.None{})
}

func (c sitesClient) PlanPush(ctx context.Context, req appliance.PushSite) (appliance.Plan, error) {
	return planPushSite.Do(ctx, c.Client, req)
}

func (c sitesClient) Push(ctx context.Context, host string, tar io.Reader) (appliance.Job, error) {
	return pushSite.Do(ctx, c.Client, host, tar)
}

func (c sitesClient) Versions(ctx context.Context, host string) ([]appliance.Site, error) {
	return versionsOfSite.Do(ctx, c.Client, host)
}

func (c sitesClient) Rollback(ctx context.Context, req appliance.RollbackSite) (appliance.Job, error) {
	return rollbackSite.Do(ctx, c.Client, req)
}

func (c sitesClient) PlanRemove(ctx context.Context, req appliance.RemoveSite) (appliance.Plan, error) {
	return planRemoveSite.Do(ctx, c.Client, req)
}

func (c sitesClient) Remove(ctx context.Context, req appliance.RemoveSite) (appliance.Job, error) {
	return removeSite.Do(ctx, c.Client, req)
}
