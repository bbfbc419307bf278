// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"io"
	"net/url"
	"strconv"

	"coopkit/appliance"
)

// Apps implements Backend.
func (c *Client) Apps(ctx context.Context) ([]appliance.App, error) {
	return call[[]appliance.App](ctx, c, "GET", "/v1/apps", nil, nil)
}

// App implements Backend.
func (c *Client) App(ctx context.Context, name string) (appliance.App, error) {
	return call[appliance.App](ctx, c, "GET", appPath(name), nil, nil)
}

func appPath(name string) string { return "/v1/apps/" + url.PathEscape(name) }

// PlanAdd implements Backend.
func (c *Client) PlanAdd(ctx context.Context, req appliance.AddApp) (appliance.Plan, error) {
	return call[appliance.Plan](ctx, c, "POST", "/v1/plans/add-app", nil, req)
}

// Add implements Backend.
func (c *Client) Add(ctx context.Context, req appliance.AddApp) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "POST", "/v1/apps", nil, req)
}

// PlanRemove implements Backend.
func (c *Client) PlanRemove(ctx context.Context, req appliance.RemoveApp) (appliance.Plan, error) {
	return call[appliance.Plan](ctx, c, "POST", "/v1/plans/remove-app", nil, req)
}

// Remove implements Backend.
func (c *Client) Remove(ctx context.Context, req appliance.RemoveApp) (appliance.Job, error) {
	q := url.Values{"no_export": {strconv.FormatBool(req.NoExport)}, "plan_hash": {req.PlanHash}}
	return call[appliance.Job](ctx, c, "DELETE", appPath(req.Name), q, nil)
}

// Start implements Backend.
func (c *Client) Start(ctx context.Context, name string) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "POST", appPath(name)+"/start", nil, nil)
}

// Stop implements Backend.
func (c *Client) Stop(ctx context.Context, name string) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "POST", appPath(name)+"/stop", nil, nil)
}

// Restart implements Backend.
func (c *Client) Restart(ctx context.Context, name string) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "POST", appPath(name)+"/restart", nil, nil)
}

// Signin implements Backend.
func (c *Client) Signin(ctx context.Context, name string) (appliance.Signin, error) {
	return call[appliance.Signin](ctx, c, "GET", appPath(name)+"/signin", nil, nil)
}

// MarkSigninShown implements Backend.
func (c *Client) MarkSigninShown(ctx context.Context, name string) error {
	_, err := call[none](ctx, c, "POST", appPath(name)+"/signin/shown", nil, nil)
	return err
}

// Logs implements Backend.
func (c *Client) Logs(ctx context.Context, name, service string, tail int, follow bool, w io.Writer) error {
	q := url.Values{"service": {service}, "tail": {strconv.Itoa(tail)}, "follow": {strconv.FormatBool(follow)}}
	return c.stream(ctx, appPath(name)+"/logs", q, func(body io.Reader) error {
		_, err := io.Copy(w, body)
		return err
	})
}

// Sites implements Backend.
func (c *Client) Sites(ctx context.Context) ([]appliance.Site, error) {
	return call[[]appliance.Site](ctx, c, "GET", "/v1/sites", nil, nil)
}

func sitePath(host string) string { return "/v1/sites/" + url.PathEscape(host) }

// PlanPush implements Backend.
func (c *Client) PlanPush(ctx context.Context, host string, files int, bytes int64) (appliance.Plan, error) {
	return call[appliance.Plan](ctx, c, "POST", "/v1/plans/push-site", nil, pushSite{host, files, bytes})
}

// Push implements Backend.
func (c *Client) Push(ctx context.Context, host string, tar io.Reader) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "PUT", sitePath(host), nil, tar)
}

// SiteVersions implements Backend.
func (c *Client) SiteVersions(ctx context.Context, host string) ([]appliance.Site, error) {
	return call[[]appliance.Site](ctx, c, "GET", sitePath(host)+"/versions", nil, nil)
}

// RollbackSite implements Backend.
func (c *Client) RollbackSite(ctx context.Context, host string, version int) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "POST", sitePath(host)+"/rollback", nil, rollbackSite{version})
}

// PlanRemoveSite implements Backend.
func (c *Client) PlanRemoveSite(ctx context.Context, host string) (appliance.Plan, error) {
	return call[appliance.Plan](ctx, c, "POST", "/v1/plans/remove-site", nil, removeSite{host})
}

// RemoveSite implements Backend.
func (c *Client) RemoveSite(ctx context.Context, host, planHash string) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "DELETE", sitePath(host), url.Values{"plan_hash": {planHash}}, nil)
}
