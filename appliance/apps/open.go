// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/hostname"
)

// certificateLimit is how long a change waits for certificates. A slow or
// refusing certificate authority undoes nothing: the gateway goes on trying and
// the doctor shows it.
const certificateLimit = 90 * time.Second

// OpenSteps are the last steps of a change that gives addresses: they let
// visitors in, and wait a while for the certificates. They belong behind the
// commit point, so that nothing that a visitor wrote is ever undone. record,
// if not nil, records that they are open.
func OpenSteps(d Door, hosts []hostname.Name, record func(ctx context.Context) error) []jobs.Step {
	return []jobs.Step{
		{
			Code: appliance.StepDoor,
			Do: func(ctx context.Context, p appliance.Progress) error {
				if record != nil {
					if err := record(ctx); err != nil {
						return err
					}
				}
				if err := d.Refresh(ctx); err != nil {
					return err
				}
				for _, host := range hosts {
					jobs.AddFact(ctx, appliance.FactOpen, "url", d.URL(host))
					p.Log(d.URL(host))
				}
				return nil
			},
		},
		{
			Code: appliance.StepCertificates, Optional: true,
			Do: func(ctx context.Context, p appliance.Progress) error {
				limited, cancel := context.WithTimeout(ctx, certificateLimit)
				defer cancel()
				for _, host := range hosts {
					if err := d.WaitCertificate(limited, host); err != nil && ctx.Err() == nil {
						jobs.AddFact(ctx, appliance.FactNoCert, "host", host.String())
						p.Log("no certificate for " + host.String() + " yet; coopkit doctor says why")
					}
				}
				return context.Cause(ctx)
			},
		},
	}
}
