// SPDX-License-Identifier: AGPL-3.0-or-later

package home

import (
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/webkit"
)

// week is the strip of a thing: of each day on which it was there, the worst that
// was found about its subjects, or about the front door. It is nil when nothing is
// known of the days.
func week(p *webkit.Page, days []appliance.Day, since time.Time, about []string) *webkit.Week {
	if len(days) == 0 {
		return nil
	}
	var w webkit.Week
	n := map[string]int{}
	for _, day := range days {
		kind := "x"
		if day.Looked && day.Date >= since.Local().Format(time.DateOnly) {
			kind = map[appliance.Severity]string{appliance.Warning: "w", appliance.Critical: "c"}[worst(day, about)]
		}
		n[kind]++
		w.Days = append(w.Days, kind)
	}
	w.Label = p.T("home.week", "fine", n[""], "warnings", n["w"], "critical", n["c"], "unknown", n["x"])
	return &w
}

// worst is the worst that was found on a day about these subjects and their parts.
func worst(day appliance.Day, about []string) appliance.Severity {
	most := appliance.OK
	for subject, severity := range day.Worst {
		for _, s := range about {
			if subject == s || strings.HasPrefix(subject, s+"/") {
				most = max(most, severity)
			}
		}
		if strings.HasPrefix(subject, "door:") {
			most = max(most, severity)
		}
	}
	return most
}

// subjects are those of findings about host names.
func subjects(hosts []hostname.Name) []string {
	about := make([]string, 0, len(hosts)+1)
	for _, host := range hosts {
		about = append(about, "host:"+host.String())
	}
	return about
}
