// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"coopkit/appliance"
)

func namesCheck(f Facts) Check {
	return Check{
		Name: "names", Title: "the names of apps and sites", Every: 5 * time.Minute,
		Codes: []Code{
			{
				Code: "NAME-LEADS-ELSEWHERE", Severity: appliance.Critical,
				Means: "A name does not lead to this box, as the servers say that decide it.",
			},
			{
				Code: "NAMES-LOCAL-ONLY", Severity: appliance.Notice,
				Means: "The names of this box lead to an address that only its local network can use, because it has no other.",
			},
		},
		Run: func(ctx context.Context) ([]appliance.Finding, error) {
			found, errs := localOnly(ctx, f)
			if f.Names == nil {
				return found, errs
			}
			all, err := f.Names(ctx)
			if err != nil {
				return found, errors.Join(errs, err)
			}
			for _, n := range all {
				switch {
				case n.Unanswered:
					errs = errors.Join(errs, errors.New(n.Problem))
				case !n.OK:
					found = append(found, elsewhere(n))
				}
			}
			return found, errs
		},
	}
}

func localOnly(ctx context.Context, f Facts) ([]appliance.Finding, error) {
	if f.LocalOnly == nil {
		return nil, nil
	}
	addrs, err := f.LocalOnly(ctx)
	if err != nil || len(addrs) == 0 {
		return nil, err
	}
	return []appliance.Finding{{
		Code: "NAMES-LOCAL-ONLY", Severity: appliance.Notice,
		What: "Only people in the local network reach the apps and sites of this box",
		Why:  fmt.Sprintf("Its names lead to %s, which nobody else can use; no other address of it is known.", list(addrs)),
		Next: []string{
			"Nothing, if that is meant",
			"Otherwise have the router pass on ports 80 and 443, and name its address: coopkit agent run --public-address ADDRESS",
		},
		Who: appliance.You, Args: map[string]string{"addresses": list(addrs)},
	}}, nil
}

func elsewhere(n appliance.NameCheck) appliance.Finding {
	args := map[string]string{"host": n.Host, "found": list(n.Found), "want": list(n.Want)}
	why := fmt.Sprintf("The name leads to %s; this box is %s.", list(n.Found), list(n.Want))
	if len(n.Found) == 0 {
		args["case"] = "nowhere"
		why = fmt.Sprintf("The name leads nowhere; it must lead to %s.", list(n.Want))
	}
	return appliance.Finding{
		Code: "NAME-LEADS-ELSEWHERE", Subject: "host:" + n.Host, Severity: appliance.Critical,
		What: "People who open " + n.Host + " do not come to this box", Why: why,
		Next: []string{
			"See what is there now: coopkit name check " + n.Host,
			"Where the name is managed, set its address to " + list(n.Want),
		},
		Who: appliance.You, Args: args,
	}
}

func list(addrs []string) string { return strings.Join(addrs, ", ") }
