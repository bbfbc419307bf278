// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Health is what the checks find.
type Health interface {
	// Now looks at everything now, which takes as long as it takes.
	Now(ctx context.Context) (appliance.Report, error)
	// Shown returns at once what the checks found that run all the time; At is when
	// the newest of them looked, the zero time before the first.
	Shown(ctx context.Context) (appliance.Report, error)
	// Week returns the last seven days, today last.
	Week(ctx context.Context) ([]appliance.Day, error)
}

var healthArea = localrpc.Area[Agent, Health]{Part: func(a Agent) Health { return a.Health }}

var (
	doctor   = localrpc.Get(&healthArea, "/v1/doctor", "Runs the health checks and answers what they found.", localrpc.Bare(Health.Now))
	findings = localrpc.Get(&healthArea, "/v1/findings", "What the checks that run all the time have found; nothing is looked at for it.", localrpc.Bare(Health.Shown))
	week     = localrpc.Get(&healthArea, "/v1/week", "The last seven days, today last: the worst that was found about each subject.", localrpc.Bare(Health.Week))
)

type healthClient struct{ *localrpc.Client }

func (c healthClient) Now(ctx context.Context) (appliance.Report, error) {
	return doctor.Do(ctx, c.Client, localrpc.None{})
}

func (c healthClient) Shown(ctx context.Context) (appliance.Report, error) {
	return findings.Do(ctx, c.Client, localrpc.None{})
}

func (c healthClient) Week(ctx context.Context) ([]appliance.Day, error) {
	return week.Do(ctx, c.Client, localrpc.None{})
}
