// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"fmt"
	"time"

	"coopkit/appliance"
	"coopkit/internal/process"
)

func clockCheck(f Facts) Check {
	last := historyOf[time.Time](f.StateDir, "clock")
	return Check{
		Name: "clock", Title: "the clock", Every: 5 * time.Minute,
		Codes: []Code{
			{
				Code: "CLOCK-WRONG", Severity: appliance.Critical, BoxWide: true,
				Means: "The clock shows a time that has been already. Certificates then seem to be not valid yet.",
			},
			{
				Code: "CLOCK-NOT-SET-BY-NETWORK", Severity: appliance.Notice, DependsOn: []string{"CLOCK-WRONG"},
				Means: "No time service keeps the clock right. It is right now, as far as can be seen, and will drift.",
			},
		},
		Run: func(context.Context) ([]appliance.Finding, error) {
			now := f.Now()
			seen, err := last.load()
			if err != nil {
				return nil, err
			}
			for _, past := range []time.Time{seen, process.ThisBuild().At} {
				if now.Before(past.Add(-time.Hour)) {
					return []appliance.Finding{clockWrong(now, past)}, nil
				}
			}
			if now.Sub(seen) >= time.Hour {
				if err := last.save(now); err != nil {
					return nil, err
				}
			}
			return clockAlone(f)
		},
	}
}

func clockWrong(now, past time.Time) appliance.Finding {
	return appliance.Finding{
		Code: "CLOCK-WRONG", Severity: appliance.Critical,
		What: "The clock of the box is wrong: browsers and apps may refuse to work with it",
		Why: fmt.Sprintf("It shows %s, but it was already later than %s.",
			now.UTC().Format(time.DateTime), past.UTC().Format(time.DateTime)),
		Next: []string{`Set it: date --set "YYYY-MM-DD HH:MM"`, "Then let the network keep it: apt-get install systemd-timesyncd"},
		Who:  appliance.You,
		Args: map[string]string{"now_at": moment(now), "past_at": moment(past)},
	}
}

func clockAlone(f Facts) ([]appliance.Finding, error) {
	ok, err := f.host.sync()
	if err != nil || ok {
		return nil, err
	}
	return []appliance.Finding{{
		Code: "CLOCK-NOT-SET-BY-NETWORK", Severity: appliance.Notice,
		What: "Nothing is wrong now; the clock of the box will drift over the months",
		Why:  "No time service sets the clock. A clock that is far off breaks certificates and sign-ins.",
		Next: []string{"apt-get install systemd-timesyncd", "There is no hurry"},
		Who:  appliance.You,
	}}, nil
}
