// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"io"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Metrics is what a Prometheus reads of the box, and who may.
type Metrics interface {
	Access(ctx context.Context) (appliance.MetricsAccess, error)
	// Allow makes a token that is told once; the one before ends. The error is a
	// Problem "console-off" where the agent serves no console.
	Allow(ctx context.Context) (appliance.MetricsToken, error)
	Revoke(ctx context.Context) error
	// Write writes all metrics in Prometheus' text format.
	Write(ctx context.Context, w io.Writer) error
}

var metricsArea = localrpc.Area[Agent, Metrics]{Part: func(a Agent) Metrics { return a.Metrics }}

var (
	metricsAccess = localrpc.Get(&metricsArea, "/v1/metrics/access", "Whether a Prometheus may read the metrics at the console's port.", localrpc.Bare(Metrics.Access))
	allowMetrics  = localrpc.Post(&metricsArea, "/v1/metrics/access", "Allows it, with a new token that is told once.", localrpc.Bare(Metrics.Allow))
	revokeMetrics = localrpc.Delete(&metricsArea, "/v1/metrics/access", "Ends the token.",
		func(m Metrics, ctx context.Context, _ localrpc.None) (localrpc.None, error) {
			return localrpc.None{}, m.Revoke(ctx)
		})
	writeMetrics = localrpc.Text(&metricsArea, "/v1/metrics", "All metrics in Prometheus' text format.",
		func(m Metrics, ctx context.Context, _ localrpc.None, w io.Writer) error { return m.Write(ctx, w) })
)

type metricsClient struct{ *localrpc.Client }

func (c metricsClient) Access(ctx context.Context) (appliance.MetricsAccess, error) {
	return metricsAccess.Do(ctx, c.Client, localrpc.None{})
}

func (c metricsClient) Allow(ctx context.Context) (appliance.MetricsToken, error) {
	return allowMetrics.Do(ctx, c.Client, localrpc.None{})
}

func (c metricsClient) Revoke(ctx context.Context) error {
	_, err := revokeMetrics.Do(ctx, c.Client, localrpc.None{})
	return err
}

func (c metricsClient) Write(ctx context.Context, w io.Writer) error {
	return writeMetrics.Do(ctx, c.Client, localrpc.None{}, w)
}
