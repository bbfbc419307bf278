// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
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

var healthArea = area[Health]{part: func(a Agent) Health { return a.Health }}

var (
	doctor   = get(&healthArea, "/v1/doctor", "Runs the health checks and answers what they found.", bare(Health.Now))
	findings = get(&healthArea, "/v1/findings", "What the checks that run all the time have found; nothing is looked at for it.", bare(Health.Shown))
	week     = get(&healthArea, "/v1/week", "The last seven days, today last: the worst that was found about each subject.", bare(Health.Week))
)

type healthClient struct{ *client }

func (c healthClient) Now(ctx context.Context) (appliance.Report, error) {
	return doctor.do(ctx, c.client, none{})
}

func (c healthClient) Shown(ctx context.Context) (appliance.Report, error) {
	return findings.do(ctx, c.client, none{})
}

func (c healthClient) Week(ctx context.Context) ([]appliance.Day, error) {
	return week.do(ctx, c.client, none{})
}
