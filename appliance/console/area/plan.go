// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// The names of the hidden fields of the form that agrees to a plan.
const (
	FieldHash = "plan_hash" // of the plan that was read
	FieldKey  = "once"      // agreeing twice with the same key starts one change, see Once
	FieldRows = "plan_rows" // marks of the rows that were read, for Changed
)

// Plan is a plan in the reader's language, as the template "area-plan" shows
// it. Whoever shows it fills in the fields of the form; without an Action there
// is no form.
type Plan struct {
	*webkit.Page
	Name    string // of what it is about: the subject without its kind
	Order   string // what holds for all rows
	Rows    []PlanRow
	Notes   []string
	WayBack string
	Lines   []string // each line with its values, for technicians
	Hash    string
	Key     string
	Changed bool // the plan is another than the one agreed to

	Action string         // path that the form posts to
	Agree  string         // of its button: the verb of the page
	Cancel string         // path that leads back without a change
	Risk   bool           // hard to undo: the safe button comes first
	Fields []webkit.Field // to fill in before agreeing
	Hidden []webkit.Pair  // to send along
}

// PlanRow is one step of a plan: what happens, and what members notice of it.
type PlanRow struct {
	N            int
	What, Notice string // Notice is empty where members notice nothing
	Destructive  bool
	New          bool // it was not in the plan agreed to
	mark         string
}

// PlanView says a plan in the language of the page. Lines that do the same
// become one row, at the place of the first.
func PlanView(p *webkit.Page, plan appliance.Plan) Plan {
	v := Plan{Page: p, Name: cmp.Or(plan.Args["title"], say.Subject(plan.Subject)), Hash: plan.Hash, Key: rand.Text(), WayBack: say.Note(p.Locale, plan.WayBack)}
	v.Order = p.T("area.plan.order")
	if slices.Contains([]appliance.Change{appliance.ChangeRemove, appliance.ChangeRemoveSite, appliance.ChangeJoin}, plan.Kind) {
		v.Order = p.T("area.plan.order.plain")
	}
	for i, lines := range grouped(plan.Lines) {
		v.Rows = append(v.Rows, row(p, i+1, lines))
	}
	for _, l := range plan.Lines {
		v.Lines = append(v.Lines, say.Line(p.Locale, l))
	}
	for _, n := range plan.Notes {
		v.Notes = append(v.Notes, say.Note(p.Locale, n))
	}
	return v
}

// Marks tell the rows of this plan from those of another.
func (v Plan) Marks() string {
	marks := make([]string, len(v.Rows))
	for i, r := range v.Rows {
		marks[i] = r.mark
	}
	return strings.Join(marks, " ")
}

// ChangedSince says that the plan is not the one whose marks were sent with the
// form, and marks the rows that are new.
func (v *Plan) ChangedSince(marks string) {
	v.Changed = true
	was := strings.Fields(marks)
	for i := range v.Rows {
		v.Rows[i].New = !slices.Contains(was, v.Rows[i].mark)
	}
}

// grouped puts the lines together that do the same.
func grouped(lines []appliance.Line) [][]appliance.Line {
	var groups [][]appliance.Line
	for _, l := range lines {
		i := slices.IndexFunc(groups, func(g []appliance.Line) bool {
			return g[0].Verb == l.Verb && g[0].Kind == l.Kind && g[0].Destructive == l.Destructive
		})
		if i < 0 {
			i, groups = len(groups), append(groups, nil)
		}
		groups[i] = append(groups[i], l)
	}
	return groups
}

// row says lines that do the same.
func row(p *webkit.Page, n int, lines []appliance.Line) PlanRow {
	first := lines[0]
	r := PlanRow{N: n, What: say.Lines(p.Locale, lines), Destructive: first.Destructive}
	if key := "area.notice." + string(first.Verb) + "." + string(first.Kind); p.Has(key) {
		r.Notice = p.T(key)
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(lines)))
	r.mark = hex.EncodeToString(sum[:4])
	return r
}
