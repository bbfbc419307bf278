// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"io"

	"coopkit/appliance"
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

var sitesArea = area[Sites]{part: func(a Agent) Sites { return a.Sites }}

var (
	listSites      = get(&sitesArea, "/v1/sites", "The static sites.", bare(Sites.List))
	planPushSite   = post(&sitesArea, "/v1/plans/push-site", "What publishing a site would do.", Sites.PlanPush)
	pushSite       = upload(&sitesArea, "/v1/sites/{host}", "Publishes the next version. Body: a tar stream of any size.", Sites.Push)
	versionsOfSite = get(&sitesArea, "/v1/sites/{host}/versions", "Its versions, newest first.", Sites.Versions)
	rollbackSite   = post(&sitesArea, "/v1/sites/{host}/rollback", "Publishes an older version again; 0 is the one before.", Sites.Rollback)
	planRemoveSite = post(&sitesArea, "/v1/plans/remove-site", "What removing a site would do.", Sites.PlanRemove)
	removeSite     = del(&sitesArea, "/v1/sites/{host}", "Removes a site and its versions.", Sites.Remove)
)

type sitesClient struct{ *client }

func (c sitesClient) List(ctx context.Context) ([]appliance.Site, error) {
	return listSites.do(ctx, c.client, none{})
}

func (c sitesClient) PlanPush(ctx context.Context, req appliance.PushSite) (appliance.Plan, error) {
	return planPushSite.do(ctx, c.client, req)
}

func (c sitesClient) Push(ctx context.Context, host string, tar io.Reader) (appliance.Job, error) {
	return pushSite.do(ctx, c.client, host, tar)
}

func (c sitesClient) Versions(ctx context.Context, host string) ([]appliance.Site, error) {
	return versionsOfSite.do(ctx, c.client, host)
}

func (c sitesClient) Rollback(ctx context.Context, req appliance.RollbackSite) (appliance.Job, error) {
	return rollbackSite.do(ctx, c.client, req)
}

func (c sitesClient) PlanRemove(ctx context.Context, req appliance.RemoveSite) (appliance.Plan, error) {
	return planRemoveSite.do(ctx, c.client, req)
}

func (c sitesClient) Remove(ctx context.Context, req appliance.RemoveSite) (appliance.Job, error) {
	return removeSite.do(ctx, c.client, req)
}
