// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// The engine's API that we need, and the major version up to which Coopkit was
// tried.
const (
	oldestAPI   = "1.41"
	newestMajor = 28
)

const engineUnreachable = "ENGINE-UNREACHABLE"

func engineCheck(f Facts) Check {
	return Check{
		Name: "engine", Title: "the container engine", Every: 30 * time.Second,
		Codes: []Code{
			{
				Code: engineUnreachable, Severity: appliance.Critical, BoxWide: true,
				Means: "The container engine does not answer. Apps do not run, or cannot be looked after; sites and names still work.",
			},
			{
				Code: "ENGINE-TOO-OLD", Severity: appliance.Warning,
				Means: "The container engine is older than Coopkit needs (API " + oldestAPI + ").",
			},
			{
				Code: "ENGINE-NOT-TRIED", Severity: appliance.Notice,
				Means: fmt.Sprintf("The container engine is newer than Coopkit was tried with (%d).", newestMajor),
			},
		},
		Run: func(ctx context.Context) ([]appliance.Finding, error) {
			if f.Engine == nil {
				return nil, nil
			}
			info, err := f.Engine(ctx)
			if err != nil {
				return engineAway(ctx, err)
			}
			return judgeEngine(info.Version, info.APIVersion), nil
		},
	}
}

func engineAway(ctx context.Context, err error) ([]appliance.Finding, error) {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return nil, err
	}
	found := appliance.Finding{
		Code: engineUnreachable, Severity: appliance.Critical,
		What: "Apps do not answer or cannot be looked after; sites and names still work",
		Why:  "The container engine does not answer.",
		Next: []string{"systemctl start docker", "If it does not start: journalctl -u docker"},
		Who:  appliance.You,
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		found.Next = p.Next
		if p.Why != "" {
			found.Args = map[string]string{"case": "reason", "reason": p.Why}
			found.Why = "The container engine does not answer: " + p.Why
		}
	}
	return []appliance.Finding{found}, nil
}

func judgeEngine(version, api string) []appliance.Finding {
	if older(api, oldestAPI) {
		return []appliance.Finding{{
			Code: "ENGINE-TOO-OLD", Severity: appliance.Warning,
			What: "Running apps go on; changes to them may fail",
			Why:  fmt.Sprintf("The container engine %s speaks API %s; Coopkit needs %s or newer.", version, api, oldestAPI),
			Next: []string{"apt-get install docker.io, on Debian 12 or newer"}, Who: appliance.YourITCoop,
			Args: map[string]string{"version": version, "api": api, "oldest": oldestAPI},
		}}
	}
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n > newestMajor {
		return []appliance.Finding{{
			Code: "ENGINE-NOT-TRIED", Severity: appliance.Notice,
			What: "Nothing is wrong now; Coopkit was not tried with a container engine as new as this one",
			Why:  fmt.Sprintf("It is version %s; the newest that was tried is %d.", version, newestMajor),
			Next: []string{"Look for a newer Coopkit; there is no hurry"}, Who: appliance.YourITCoop,
			Args: map[string]string{"version": version, "newest": strconv.Itoa(newestMajor)},
		}}
	}
	return nil
}

// older compares versions such as 1.41 number by number.
func older(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.Atoi(as[i])
		y, errY := strconv.Atoi(bs[i])
		if errX != nil || errY != nil {
			return false
		}
		if x != y {
			return x < y
		}
	}
	return len(as) < len(bs)
}
