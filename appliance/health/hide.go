// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"slices"
	"strings"

	"coopkit/appliance"
)

// hide leaves out the findings that another one explains and names them there.
// Only what is at least a warning explains anything. A consequence of a
// consequence is named at the root.
func hide(findings []appliance.Finding, codes map[string]Code) []appliance.Finding {
	cause := make([]int, len(findings)) // index of what explains it, or -1
	for i, f := range findings {
		cause[i] = slices.IndexFunc(findings, func(root appliance.Finding) bool {
			return root.Severity >= appliance.Warning &&
				slices.Contains(codes[f.Code].DependsOn, root.Code) &&
				(codes[root.Code].BoxWide || related(root.Subject, f.Subject))
		})
	}
	hides := make(map[int][]string)
	for i, f := range findings {
		root := i
		for cause[root] >= 0 { // ends: causes do not go round in a circle
			root = cause[root]
		}
		if root != i {
			hides[root] = append(hides[root], strings.TrimSpace(f.Code+" "+f.Subject))
		}
	}
	shown := []appliance.Finding{}
	for i, f := range findings {
		if cause[i] < 0 {
			f.Hides = hides[i]
			shown = append(shown, f)
		}
	}
	return shown
}

// related says whether one subject is the other or a part of it:
// "app:wordpress/db" is a part of "app:wordpress". The empty subject is the box.
func related(a, b string) bool {
	return a == "" || b == "" || a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}
