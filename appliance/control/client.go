// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"coopkit/appliance"
	"coopkit/recipes"
)

// Client is the Backend of an agent in another process, reached through its
// unix socket. Each method does what Backend says. It is safe for concurrent
// use. An agent that does not run gives a Problem "agent-not-running".
type Client struct {
	http   *http.Client
	socket string
}

var _ Backend = (*Client)(nil)

// NewClient returns a client of the agent at socketPath. It connects when the
// first call is made.
func NewClient(socketPath string) *Client {
	return &Client{socket: socketPath, http: newHTTPClient(socketPath)}
}

// Status implements Backend.
func (c *Client) Status(ctx context.Context) (appliance.Status, error) {
	return call[appliance.Status](ctx, c, "GET", "/v1/status", nil, nil)
}

// Week implements Backend.
func (c *Client) Week(ctx context.Context) ([]appliance.Day, error) {
	return call[[]appliance.Day](ctx, c, "GET", "/v1/week", nil, nil)
}

// Findings implements Backend.
func (c *Client) Findings(ctx context.Context) (appliance.Report, error) {
	return call[appliance.Report](ctx, c, "GET", "/v1/findings", nil, nil)
}

// Doctor implements Backend.
func (c *Client) Doctor(ctx context.Context) (appliance.Report, error) {
	return call[appliance.Report](ctx, c, "GET", "/v1/doctor", nil, nil)
}

// Certificates implements Backend.
func (c *Client) Certificates(ctx context.Context) ([]appliance.Certificate, error) {
	return call[[]appliance.Certificate](ctx, c, "GET", "/v1/certificates", nil, nil)
}

// Recipes implements Backend. The recipes come without their files.
func (c *Client) Recipes(ctx context.Context) ([]*recipes.Recipe, error) {
	return call[[]*recipes.Recipe](ctx, c, "GET", "/v1/recipes", nil, nil)
}

// Recipe implements Backend. The recipe comes without its files.
func (c *Client) Recipe(ctx context.Context, name string) (*recipes.Recipe, error) {
	return call[*recipes.Recipe](ctx, c, "GET", "/v1/recipes/"+url.PathEscape(name), nil, nil)
}

// TestRecipe implements Backend.
func (c *Client) TestRecipe(ctx context.Context, name string, images appliance.ImageSource) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "POST", "/v1/recipes/"+url.PathEscape(name)+"/test", nil, testRecipe{images})
}

// RefreshImages implements Backend.
func (c *Client) RefreshImages(ctx context.Context) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "POST", "/v1/images/refresh", nil, nil)
}

// Jobs implements Backend.
func (c *Client) Jobs(ctx context.Context, limit int) ([]appliance.Job, error) {
	return call[[]appliance.Job](ctx, c, "GET", "/v1/jobs", url.Values{"limit": {strconv.Itoa(limit)}}, nil)
}

// Job implements Backend.
func (c *Client) Job(ctx context.Context, id appliance.JobID) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "GET", jobPath(id), nil, nil)
}

// StopJob implements Backend.
func (c *Client) StopJob(ctx context.Context, id appliance.JobID) error {
	_, err := call[none](ctx, c, "POST", jobPath(id)+"/stop", nil, nil)
	return err
}

func jobPath(id appliance.JobID) string { return "/v1/jobs/" + strconv.FormatInt(int64(id), 10) }

// JobEvents implements Backend.
func (c *Client) JobEvents(
	ctx context.Context, id appliance.JobID, after int64, each func(appliance.JobEvent) error,
) error {
	q := url.Values{"after": {strconv.FormatInt(after, 10)}}
	return c.stream(ctx, jobPath(id)+"/events", q, func(body io.Reader) error { return eachLine(body, each) })
}

// Names implements Backend.
func (c *Client) Names(ctx context.Context) ([]appliance.Zone, error) {
	return call[[]appliance.Zone](ctx, c, "GET", "/v1/names", nil, nil)
}

// PlanAddName implements Backend.
func (c *Client) PlanAddName(ctx context.Context, name string) (appliance.Plan, error) {
	return call[appliance.Plan](ctx, c, "POST", "/v1/plans/add-name", nil, zone{Zone: name})
}

// AddName implements Backend.
func (c *Client) AddName(ctx context.Context, name, planHash string) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "POST", "/v1/names", nil, zone{Zone: name, PlanHash: planHash})
}

// PlanRemoveName implements Backend.
func (c *Client) PlanRemoveName(ctx context.Context, name string) (appliance.Plan, error) {
	return call[appliance.Plan](ctx, c, "POST", "/v1/plans/remove-name", nil, zone{Zone: name})
}

// RemoveName implements Backend.
func (c *Client) RemoveName(ctx context.Context, name, planHash string) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "DELETE", "/v1/names/"+url.PathEscape(name), url.Values{"plan_hash": {planHash}}, nil)
}

// CheckName implements Backend.
func (c *Client) CheckName(ctx context.Context, host string) (appliance.NameCheck, error) {
	return call[appliance.NameCheck](ctx, c, "GET", "/v1/names/"+url.PathEscape(host)+"/check", nil, nil)
}

// CheckZone implements Backend.
func (c *Client) CheckZone(ctx context.Context, name string) (appliance.ZoneCheck, error) {
	return call[appliance.ZoneCheck](ctx, c, "GET", "/v1/names/"+url.PathEscape(name)+"/delegation", nil, nil)
}

// Redirects implements Backend.
func (c *Client) Redirects(ctx context.Context) ([]appliance.Address, error) {
	return call[[]appliance.Address](ctx, c, "GET", "/v1/redirects", nil, nil)
}

// AddRedirect implements Backend.
func (c *Client) AddRedirect(ctx context.Context, host, target string) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "POST", "/v1/redirects", nil, redirect{host, target})
}

// RemoveRedirect implements Backend.
func (c *Client) RemoveRedirect(ctx context.Context, host string) (appliance.Job, error) {
	return call[appliance.Job](ctx, c, "DELETE", "/v1/redirects/"+url.PathEscape(host), nil, nil)
}
