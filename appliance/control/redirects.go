// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
)

// Redirects are hosts whose visitors are sent elsewhere.
type Redirects interface {
	List(ctx context.Context) ([]appliance.Address, error)
	Add(ctx context.Context, req appliance.Redirect) (appliance.Job, error)
	Remove(ctx context.Context, host string) (appliance.Job, error)
}

var redirectsArea = area[Redirects]{part: func(a Agent) Redirects { return a.Redirects }}

var (
	listRedirects  = get(&redirectsArea, "/v1/redirects", "The redirects.", bare(Redirects.List))
	addRedirect    = post(&redirectsArea, "/v1/redirects", "Sends visitors of a host to a URL.", Redirects.Add)
	removeRedirect = del(&redirectsArea, "/v1/redirects/{host}", "Removes a redirect.", Redirects.Remove)
)

type redirectsClient struct{ *client }

func (c redirectsClient) List(ctx context.Context) ([]appliance.Address, error) {
	return listRedirects.do(ctx, c.client, none{})
}

func (c redirectsClient) Add(ctx context.Context, req appliance.Redirect) (appliance.Job, error) {
	return addRedirect.do(ctx, c.client, req)
}

func (c redirectsClient) Remove(ctx context.Context, host string) (appliance.Job, error) {
	return removeRedirect.do(ctx, c.client, host)
}
