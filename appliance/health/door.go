// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"net"
	"time"

	"coopkit/appliance"
)

func doorCheck(f Facts) Check {
	return Check{
		Name: "door", Title: "the front door", Every: 30 * time.Second,
		Codes: []Code{{
			Code: "DOOR-CLOSED", Severity: appliance.Critical,
			Means: "The front door does not take visitors at one of its addresses.",
		}},
		Run: func(ctx context.Context) ([]appliance.Finding, error) {
			if f.Listeners == nil {
				return nil, nil
			}
			var found []appliance.Finding
			for _, addr := range f.Listeners() {
				d := net.Dialer{Timeout: 3 * time.Second}
				conn, err := d.DialContext(ctx, "tcp", addr)
				if err == nil {
					_ = conn.Close()
					continue
				}
				if ctx.Err() != nil {
					return found, context.Cause(ctx)
				}
				found = append(found, appliance.Finding{
					Code: "DOOR-CLOSED", Subject: "door:" + addr, Severity: appliance.Critical,
					What: "Nobody can open the apps and sites of this box",
					Why:  "The front door takes no connection at " + addr + ".",
					Next: []string{"Start the agent again: systemctl restart coopkit-agent", "If it does not help, ask your IT co-op"},
					Who:  appliance.You,
					Args: map[string]string{"address": addr},
				})
			}
			return found, nil
		},
	}
}
