// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
)

// Host implements Backend.
func (c *Client) Host(ctx context.Context) (appliance.Host, error) {
	return call[appliance.Host](ctx, c, "GET", "/v1/host", nil, nil)
}

// Settings implements Backend.
func (c *Client) Settings(ctx context.Context) (appliance.Settings, error) {
	return call[appliance.Settings](ctx, c, "GET", "/v1/settings", nil, nil)
}

// SaveSettings implements Backend.
func (c *Client) SaveSettings(ctx context.Context, s appliance.Settings) error {
	_, err := call[none](ctx, c, "PUT", "/v1/settings", nil, s)
	return err
}

// Desk implements Backend.
func (c *Client) Desk(ctx context.Context) (appliance.DeskLink, error) {
	return call[appliance.DeskLink](ctx, c, "GET", "/v1/desk", nil, nil)
}

// PlanJoinDesk implements Backend.
func (c *Client) PlanJoinDesk(ctx context.Context, code string) (appliance.Plan, error) {
	return call[appliance.Plan](ctx, c, "POST", "/v1/plans/join-desk", nil, joinDesk{Code: code})
}

// JoinDesk implements Backend.
func (c *Client) JoinDesk(ctx context.Context, code, planHash string) (appliance.DeskLink, error) {
	return call[appliance.DeskLink](ctx, c, "POST", "/v1/desk", nil, joinDesk{code, planHash})
}

// LeaveDesk implements Backend.
func (c *Client) LeaveDesk(ctx context.Context) error {
	_, err := call[none](ctx, c, "DELETE", "/v1/desk", nil, nil)
	return err
}

// DeskPreview implements Backend.
func (c *Client) DeskPreview(ctx context.Context) (string, error) {
	return call[string](ctx, c, "GET", "/v1/desk/preview", nil, nil)
}

// ConsoleAccess implements Backend.
func (c *Client) ConsoleAccess(ctx context.Context) (appliance.ConsoleAccess, error) {
	return call[appliance.ConsoleAccess](ctx, c, "POST", "/v1/console/tokens", nil, nil)
}
