// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Redirects are hosts whose visitors are sent elsewhere.
type Redirects interface {
	List(ctx context.Context) ([]appliance.Address, error)
	Add(ctx context.Context, req appliance.Redirect) (appliance.Job, error)
	Remove(ctx context.Context, host string) (appliance.Job, error)
}

var redirectsArea = localrpc.Area[Agent, Redirects]{Part: func(a Agent) Redirects { return a.Redirects }}

var (
	listRedirects  = localrpc.Get(&redirectsArea, "/v1/redirects", "The redirects.", localrpc.Bare(Redirects.List))
	addRedirect    = localrpc.Post(&redirectsArea, "/v1/redirects", "Sends visitors of a host to a URL.", Redirects.Add)
	removeRedirect = localrpc.Delete(&redirectsArea, "/v1/redirects/{host}", "Removes a redirect.", Redirects.Remove)
)

type redirectsClient struct{ *localrpc.Client }

func (c redirectsClient) List(ctx context.Context) ([]appliance.Address, error) {
	return listRedirects.Do(ctx, c.Client, localrpc.None{})
}

func (c redirectsClient) Add(ctx context.Context, req appliance.Redirect) (appliance.Job, error) {
	return addRedirect.Do(ctx, c.Client, req)
}

func (c redirectsClient) Remove(ctx context.Context, host string) (appliance.Job, error) {
	return removeRedirect.Do(ctx, c.Client, host)
}
