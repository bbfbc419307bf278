// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"strings"
	"time"

	"coopkit/appliance"
)

// silentAfter is how long a desk may not answer before anybody is told.
const silentAfter = time.Hour

func deskCheck(f Facts) Check {
	return Check{
		Name: "desk", Title: "the link to the support desk",
		Codes: []Code{
			{
				Code: "DESK-SILENT", Severity: appliance.Notice,
				Means: "The support desk was not reached for more than an hour. Its reports are kept, and sent when it is back.",
			},
			{
				Code: "DESK-REFUSED", Severity: appliance.Warning,
				Means: "The support desk answers, and does not take what this box reports, so nobody there sees how it is.",
			},
		},
		Run: func(context.Context) ([]appliance.Finding, error) {
			if f.Desk == nil {
				return nil, nil
			}
			return judgeDesk(f.Desk(), f.Now()), nil
		},
	}
}

func judgeDesk(d Desk, now time.Time) []appliance.Finding {
	subject := "desk:" + d.Host
	switch {
	case d.Host == "":
		return nil
	case d.Refused != "":
		return []appliance.Finding{{
			Code: "DESK-REFUSED", Subject: subject, Severity: appliance.Warning,
			What: "Your IT co-op does not see how this box is",
			Why:  "The support desk does not take its reports: " + d.Refused + ".",
			Next: []string{"Tell your IT co-op", "See the link: coopkit support status"},
			Who:  appliance.YourITCoop,
			Args: map[string]string{"desk": d.Host, "reason": d.Refused},
		}}
	case now.Sub(d.Heard) > silentAfter:
		args := map[string]string{"desk": d.Host, "heard_at": moment(d.Heard)}
		why := "The support desk was last reached on " + d.Heard.UTC().Format(time.DateTime) + "."
		if d.Trouble != "" {
			why = strings.TrimSuffix(why, ".") + ": " + d.Trouble + "."
			args["case"], args["reason"] = "reason", d.Trouble
		}
		return []appliance.Finding{{
			Code: "DESK-SILENT", Subject: subject, Severity: appliance.Notice,
			What: "Your IT co-op does not see how this box is now",
			Why:  why,
			Next: []string{"Nothing, if the desk comes back: everything is kept and sent then", "Otherwise: coopkit support status"},
			Who:  appliance.YourITCoop,
			Args: args,
		}}
	default:
		return nil
	}
}
