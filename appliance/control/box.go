// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Box is the machine, its agent and its front door.
type Box interface {
	Status(ctx context.Context) (appliance.Status, error)
	Certificates(ctx context.Context) ([]appliance.Certificate, error)
	// Reach says how far each address reaches.
	Reach(ctx context.Context, req appliance.AskReach) ([]appliance.AddressReach, error)
	Host(ctx context.Context) (appliance.Host, error)
	Settings(ctx context.Context) (appliance.Settings, error)
	// SaveSettings stores all of them. The error is a Problem "settings-invalid" or
	// "contact-invalid".
	SaveSettings(ctx context.Context, s appliance.Settings) error
	// ConsoleAccess lets a person into the console once. The error is a Problem
	// "console-off" where the agent serves none.
	ConsoleAccess(ctx context.Context) (appliance.ConsoleAccess, error)
}

var boxArea = localrpc.Area[Agent, Box]{Part: func(a Agent) Box { return a.Box }}

var (
	status        = localrpc.Get(&boxArea, "/v1/status", "The agent about itself.", localrpc.Bare(Box.Status))
	certificates  = localrpc.Get(&boxArea, "/v1/certificates", "Certificates of the front door.", localrpc.Bare(Box.Certificates))
	reach         = localrpc.Get(&boxArea, "/v1/reach", "How far each address reaches.", Box.Reach)
	host          = localrpc.Get(&boxArea, "/v1/host", "The machine: system, load, memory, disk.", localrpc.Bare(Box.Host))
	settings      = localrpc.Get(&boxArea, "/v1/settings", "What the co-op has set.", localrpc.Bare(Box.Settings))
	saveSettings  = localrpc.Put(&boxArea, "/v1/settings", "Sets all of it.", localrpc.Silent(Box.SaveSettings))
	consoleAccess = localrpc.Post(&boxArea, "/v1/console/tokens", "Lets a person into the console, once.", localrpc.Bare(Box.ConsoleAccess))
)

type boxClient struct{ *localrpc.Client }

func (c boxClient) Status(ctx context.Context) (appliance.Status, error) {
	return status.Do(ctx, c.Client, localrpc.None{})
}

func (c boxClient) Certificates(ctx context.Context) ([]appliance.Certificate, error) {
	return certificates.Do(ctx, c.Client, localrpc.None{})
}

func (c boxClient) Reach(ctx context.Context, req appliance.AskReach) ([]appliance.AddressReach, error) {
	return reach.Do(ctx, c.Client, req)
}

func (c boxClient) Host(ctx context.Context) (appliance.Host, error) {
	return host.Do(ctx, c.Client, localrpc.None{})
}

func (c boxClient) Settings(ctx context.Context) (appliance.Settings, error) {
	return settings.Do(ctx, c.Client, localrpc.None{})
}

func (c boxClient) SaveSettings(ctx context.Context, s appliance.Settings) error {
	_, err := saveSettings.Do(ctx, c.Client, s)
	return err
}

func (c boxClient) ConsoleAccess(ctx context.Context) (appliance.ConsoleAccess, error) {
	return consoleAccess.Do(ctx, c.Client, localrpc.None{})
}
