// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Usage is what the box and its apps use of memory, processor and disk.
type Usage interface {
	// Usage is what one of them uses and used. The error is a Problem
	// "usage-span-unknown", or that there is no such app.
	Usage(ctx context.Context, ask appliance.AskUsage) (appliance.Usage, error)
}

var usageArea = localrpc.Area[Agent, Usage]{Part: func(a Agent) Usage { return a.Usage }}

var askUsage = localrpc.Get(&usageArea, "/v1/usage",
	"Memory, processor and disk of the box, or of one app, now and over the last hour, day or month.", Usage.Usage)

type usageClient struct{ *localrpc.Client }

func (c usageClient) Usage(ctx context.Context, ask appliance.AskUsage) (appliance.Usage, error) {
	return askUsage.Do(ctx, c.Client, ask)
}
