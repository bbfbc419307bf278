// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"fmt"
	"time"

	"coopkit/appliance"
)

const backupDue = 3 * day

func backupsCheck(f Facts) Check {
	return Check{
		Name: "backups", Title: "the backups", Every: 15 * time.Minute,
		Codes: []Code{
			{
				Code: "BACKUP-NONE", Severity: appliance.Warning, VisibleAfter: 1, HoldAfter: 1,
				Means: "An app has no backup yet: if the disk fails, what members made with it is lost.",
			},
			{
				Code: "BACKUP-OLD", Severity: appliance.Warning, VisibleAfter: 1, HoldAfter: 1,
				Means: "The last backup of an app is older than three days.",
			},
		},
		Run: func(ctx context.Context) ([]appliance.Finding, error) {
			all, err := f.released(ctx)
			if err != nil {
				return nil, err
			}
			var found []appliance.Finding
			for _, app := range all {
				var last time.Time
				if f.LastBackup != nil {
					if last, err = f.LastBackup(ctx, app.Install.Name); err != nil {
						return found, err
					}
				}
				found = append(found, judgeBackup(app, last, f.Now())...)
			}
			return found, nil
		},
	}
}

func judgeBackup(app App, last, now time.Time) []appliance.Finding {
	finding := appliance.Finding{
		Subject: "app:" + string(app.Install.Name), Who: appliance.You,
		Args: map[string]string{"app": app.Title, "install": string(app.Install.Name)},
	}
	switch {
	case last.IsZero():
		finding.Code, finding.Severity = "BACKUP-NONE", appliance.Warning
		finding.What = app.Title + " has no backup"
		finding.Why = "If the disk fails, all of " + app.Title + " is lost. Coopkit does not make backups yet."
		finding.Next = []string{"Download a copy, on its page in the console, and keep it somewhere else"}
	case now.Sub(last) > backupDue:
		finding.Code, finding.Severity = "BACKUP-OLD", appliance.Warning
		finding.What = fmt.Sprintf("If the disk fails now, the last %s of work with %s are lost", span(now.Sub(last)), app.Title)
		finding.Why = "The last backup is of " + last.UTC().Format(time.DateTime) + "."
		finding.Next = []string{"coopkit doctor", "Ask your IT co-op why the backups stopped"}
		finding.Args["last_at"], finding.Args["age_seconds"] = moment(last), seconds(now.Sub(last))
	default:
		return nil
	}
	return []appliance.Finding{finding}
}
