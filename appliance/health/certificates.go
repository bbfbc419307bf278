// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"fmt"
	"slices"
	"time"

	"coopkit/appliance"
)

func certificatesCheck(f Facts) Check {
	return Check{
		Name: "certificates", Title: "the certificates", Every: 5 * time.Minute,
		Codes: []Code{
			{
				Code: "CERTIFICATE-EXPIRED", Severity: appliance.Critical, DependsOn: []string{"NAME-LEADS-ELSEWHERE", "CLOCK-WRONG"},
				Means: "The certificate of a name is no longer valid: browsers warn and turn people away.",
			},
			{
				Code: "CERTIFICATE-MISSING", Severity: appliance.Critical, DependsOn: []string{"NAME-LEADS-ELSEWHERE", "CLOCK-WRONG"},
				Means: "No certificate could be got for a name: nobody can open it.",
			},
			{
				Code: "CERTIFICATE-EXPIRES-SOON", Severity: appliance.Warning, DependsOn: []string{"NAME-LEADS-ELSEWHERE", "CLOCK-WRONG"},
				Means: "A certificate should have been renewed by now: a third of its life is left (a notice) or a sixth (a warning).",
			},
		},
		Run: func(ctx context.Context) ([]appliance.Finding, error) {
			if f.Certificates == nil {
				return nil, nil
			}
			all, err := f.Certificates(ctx)
			if err != nil {
				return nil, err
			}
			var found []appliance.Finding
			for _, c := range all {
				found = append(found, judgeCertificate(c, f.Now())...)
			}
			return found, nil
		},
	}
}

func judgeCertificate(c appliance.Certificate, now time.Time) []appliance.Finding {
	finding := appliance.Finding{
		Subject: "host:" + c.Host, Who: appliance.You,
		Next: []string{"See whether the name leads here: coopkit name check " + c.Host, "coopkit cert list"},
	}
	args := map[string]string{"host": c.Host, "until_at": moment(c.NotAfter), "left_seconds": seconds(c.NotAfter.Sub(now))}
	finding.Args = args
	failed := ""
	if p := c.Problem; p != nil {
		args["case"] = "failed"
		failed = " The last attempt to get a new one did not work."
		if p.Why != "" {
			failed = " The last attempt to get a new one did not work: " + p.Why + "."
			args["case"], args["reason"] = "reason", p.Why
		}
		finding.Next = slices.Concat(p.Next, finding.Next)
	}
	life, left := c.NotAfter.Sub(c.NotBefore), c.NotAfter.Sub(now)
	switch {
	case c.NotBefore.IsZero() && c.Problem == nil:
		return nil // the first one is on its way
	case c.NotBefore.IsZero():
		finding.Code, finding.Severity = "CERTIFICATE-MISSING", appliance.Critical
		finding.What = "Nobody can open " + c.Host
		finding.Why = "There is no certificate for it." + failed
	case left <= 0:
		finding.Code, finding.Severity = "CERTIFICATE-EXPIRED", appliance.Critical
		finding.What = "Browsers warn people away from " + c.Host
		finding.Why = fmt.Sprintf("Its certificate ended on %s.%s", c.NotAfter.UTC().Format(time.DateTime), failed)
	case left < life/3 && (c.Problem != nil || left < life/3-life/12): // renewing begins at a third and takes a while
		finding.Code, finding.Severity = "CERTIFICATE-EXPIRES-SOON", appliance.Notice
		if left < life/6 {
			finding.Severity = appliance.Warning
		}
		finding.What = fmt.Sprintf("%s works until %s", c.Host, c.NotAfter.UTC().Format(time.DateTime))
		finding.Why = fmt.Sprintf("Its certificate should have been renewed by now; %s are left.%s", span(left), failed)
	default:
		return nil
	}
	return []appliance.Finding{finding}
}

// span writes a time for people.
func span(d time.Duration) string {
	if d >= 2*day {
		return fmt.Sprintf("%d days", int(d/day))
	}
	if d >= 2*time.Hour {
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	}
	if d >= 2*time.Minute {
		return fmt.Sprintf("%d minutes", int(d/time.Minute))
	}
	return fmt.Sprintf("%d seconds", int(d/time.Second))
}
