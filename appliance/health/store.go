// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"time"

	"coopkit/appliance"
)

func storeCheck(f Facts) Check {
	return Check{
		Name: "store", Title: "the agent's own records", Every: time.Hour, Timeout: time.Minute,
		Codes: []Code{{
			Code: "STORE-DAMAGED", Severity: appliance.Critical, VisibleAfter: 1, DependsOn: []string{"DISK-FULL"},
			Means: "The database with the agent's records does not pass its own test.",
		}},
		Run: func(ctx context.Context) ([]appliance.Finding, error) {
			if f.Integrity == nil {
				return nil, nil
			}
			err := f.Integrity(ctx)
			if err == nil || ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return []appliance.Finding{{
				Code: "STORE-DAMAGED", Severity: appliance.Critical,
				What: "Apps and sites still work; changes to them may be lost",
				Why:  "The agent's records are damaged, as after a disk fault.",
				Next: []string{"Change nothing, and ask your IT co-op today", "Look at the disk: dmesg --level=err"},
				Who:  appliance.YourITCoop,
			}}, nil
		},
	}
}
