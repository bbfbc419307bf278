// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
)

// Box is the machine, its agent and its front door.
type Box interface {
	Status(ctx context.Context) (appliance.Status, error)
	Certificates(ctx context.Context) ([]appliance.Certificate, error)
	Host(ctx context.Context) (appliance.Host, error)
	Settings(ctx context.Context) (appliance.Settings, error)
	// SaveSettings stores all of them. The error is a Problem "settings-invalid".
	SaveSettings(ctx context.Context, s appliance.Settings) error
	// ConsoleAccess lets a person into the console once. The error is a Problem
	// "console-off" where the agent serves none.
	ConsoleAccess(ctx context.Context) (appliance.ConsoleAccess, error)
}

var boxArea = area[Box]{part: func(a Agent) Box { return a.Box }}

var (
	status        = get(&boxArea, "/v1/status", "The agent about itself.", bare(Box.Status))
	certificates  = get(&boxArea, "/v1/certificates", "Certificates of the front door.", bare(Box.Certificates))
	host          = get(&boxArea, "/v1/host", "The machine: system, load, memory, disk.", bare(Box.Host))
	settings      = get(&boxArea, "/v1/settings", "What the co-op has set.", bare(Box.Settings))
	saveSettings  = put(&boxArea, "/v1/settings", "Sets all of it.", silent(Box.SaveSettings))
	consoleAccess = post(&boxArea, "/v1/console/tokens", "Lets a person into the console, once.", bare(Box.ConsoleAccess))
)

type boxClient struct{ *client }

func (c boxClient) Status(ctx context.Context) (appliance.Status, error) {
	return status.do(ctx, c.client, none{})
}

func (c boxClient) Certificates(ctx context.Context) ([]appliance.Certificate, error) {
	return certificates.do(ctx, c.client, none{})
}

func (c boxClient) Host(ctx context.Context) (appliance.Host, error) {
	return host.do(ctx, c.client, none{})
}

func (c boxClient) Settings(ctx context.Context) (appliance.Settings, error) {
	return settings.do(ctx, c.client, none{})
}

func (c boxClient) SaveSettings(ctx context.Context, s appliance.Settings) error {
	_, err := saveSettings.do(ctx, c.client, s)
	return err
}

func (c boxClient) ConsoleAccess(ctx context.Context) (appliance.ConsoleAccess, error) {
	return consoleAccess.do(ctx, c.client, none{})
}
