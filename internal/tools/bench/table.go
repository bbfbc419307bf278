// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"fmt"
	"slices"
	"strings"
)

// row is one line of the table: our figure, beside a peer's or alone.
type row struct {
	what string
	ours float64
	unit string
	peer string  // who it is compared with; empty: with the goal itself
	them float64 // the peer's figure
	goal float64 // for the ratio ours ÷ them, or for ours when there is no peer; 0: none
	most bool    // the goal is a most, not a least

	disturbed string // why what (a section) has no figures; empty where it has
}

// ratio is ours ÷ them; without a peer, ours.
func (r row) ratio() float64 {
	if r.peer == "" {
		return r.ours
	}
	return r.ours / r.them
}

func (r row) met() bool {
	if r.most {
		return r.ratio() <= r.goal
	}
	return r.ratio() >= r.goal
}

// table writes the rows as Markdown.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| what | Coopkit | against | ratio | goal | met |\n|---|---:|---|---:|---:|---|\n")
	for _, r := range rows {
		if r.disturbed != "" {
			fmt.Fprintf(&b, "| %s | disturbed: %s; run it again | – | – | – | – |\n", r.what, r.disturbed)
			continue
		}
		against, ratio := "–", "–"
		sign, unit := "≥", " ×"
		if r.most {
			sign = "≤"
		}
		if r.peer == "" {
			unit = " " + r.unit
		} else {
			against = fmt.Sprintf("%s %s", r.peer, figure(r.them, r.unit))
			ratio = fmt.Sprintf("%.2f", r.ratio())
		}
		goal, met := fmt.Sprintf("%s %g%s", sign, r.goal, unit), "no"
		switch {
		case r.goal == 0:
			goal, met = "–", "–"
		case r.met():
			met = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.what, figure(r.ours, r.unit), against, ratio, goal, met)
	}
	return b.String()
}

func figure(v float64, unit string) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f %s", v, unit)
	case v >= 10:
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

// median returns the middle of the values; of an even number, the mean of the
// two in the middle. It returns 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
