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
	Glance  []Glance
	Sum     string // the rows in one sentence
	Stepped bool   // the rows are the steps of a job
	Rows    []PlanRow
	Notes   []string
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

// Glance is one thing to know of a plan before its steps are read.
type Glance struct{ Icon, Name, Big, Text string }

// PlanRow is one step of a plan: what happens, what members notice of it, and
// what becomes of the change if it fails.
type PlanRow struct {
	N                   int
	What, Notice, Fails string   // Notice is empty where members notice nothing
	Details             []string // what the step does, in particular
	Destructive         bool
	New                 bool // it was not in the plan agreed to
	mark                string
}

// PlanView says a plan in the language of the page: its rows are the steps that
// its job will have. The lines of a change that is no job are its rows; those
// that do the same become one, at the place of the first.
func PlanView(p *webkit.Page, plan appliance.Plan) Plan {
	v := Plan{Page: p, Name: cmp.Or(plan.Args["title"], say.Subject(plan.Subject)), Hash: plan.Hash, Key: rand.Text(), Stepped: len(plan.Steps) > 0}
	v.Glance = glance(p, plan)
	for i, s := range plan.Steps {
		v.Rows = append(v.Rows, stepRow(p, i+1, s, linesOf(plan, i)))
	}
	if !v.Stepped {
		for i, lines := range grouped(plan.Lines) {
			v.Rows = append(v.Rows, row(p, i+1, lines))
		}
	}
	v.Sum = sum(p, v.Rows)
	for _, l := range plan.Lines {
		v.Lines = append(v.Lines, say.Line(p.Locale, l))
	}
	for _, n := range plan.Notes {
		v.Notes = append(v.Notes, say.Note(p.Locale, n))
	}
	return v
}

// glance says for how long something is closed, what it does to the disk, and
// the way back.
func glance(p *webkit.Page, plan appliance.Plan) []Glance {
	closed, back := "area.closed."+string(plan.Kind), "area.back."+string(plan.WayBack.Code)
	var out []Glance
	if p.Has(closed) {
		out = append(out, Glance{"clock", p.T("area.plan.closed"), p.T(closed), p.T(closed + ".text")})
	}
	space := Glance{"server", p.T("area.plan.space"), p.T("area.plan.space.small"), p.T("area.plan.space.small.text")}
	switch s := plan.Space; {
	case s.Needs > 0 && s.Free > 0:
		space.Big, space.Text = p.T("area.plan.space.needs", "needs", p.Bytes(s.Needs), "free", p.Bytes(s.Free)), p.T("area.plan.space.needs.text")
	case s.Frees > 0:
		space.Big, space.Text = p.T("area.plan.space.frees", "frees", p.Bytes(s.Frees)), p.T("area.plan.space.frees.text")
	}
	way := Glance{Icon: "undo", Name: p.T("area.plan.wayback"), Text: say.Note(p.Locale, plan.WayBack)}
	if p.Has(back) {
		way.Big = p.T(back)
	}
	return append(out, space, way)
}

// sum says the rows in one sentence: how many there are, and which of them
// members notice.
func sum(p *webkit.Page, rows []PlanRow) string {
	var noticed []string
	for _, r := range rows {
		if r.Notice != "" && r.N == len(rows) {
			noticed = append(noticed, p.T("area.plan.last"))
		} else if r.Notice != "" {
			noticed = append(noticed, p.T("area.plan.number", "n", r.N))
		}
	}
	if len(noticed) == 0 {
		return p.T("area.plan.sum.none", "count", len(rows))
	}
	return p.T("area.plan.sum.some", "count", len(rows), "steps", p.List(noticed))
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
	return PlanRow{N: n, What: say.Lines(p.Locale, lines), Destructive: lines[0].Destructive, mark: marked(lines)}
}

// stepRow says a step, with the lines that are about it.
func stepRow(p *webkit.Page, n int, s appliance.PlanStep, lines []appliance.Line) PlanRow {
	r := PlanRow{
		N: n, What: say.Step(p.Locale, appliance.JobStep{Code: s.Code, Args: s.Args}), Fails: say.Fails(p.Locale, s.Fails),
		Destructive: s.Destructive, mark: marked(s.Code, s.Args, lines),
	}
	if key := "area.notice." + string(s.Code); p.Has(key) {
		r.Notice = p.T(key)
	}
	for _, g := range grouped(lines) {
		r.Details = append(r.Details, say.Lines(p.Locale, g))
	}
	return r
}

// marked tells a row from others.
func marked(what ...any) string {
	hash := sha256.Sum256([]byte(fmt.Sprint(what...)))
	return hex.EncodeToString(hash[:4])
}

// stepOf says which steps do what a line says; of the other lines, a step says
// enough in its own words.
var stepOf = map[appliance.Verb]map[appliance.Kind][]appliance.StepCode{
	appliance.VerbFetch: {appliance.KindImage: {appliance.StepImages}},
	appliance.VerbBuild: {appliance.KindImage: {appliance.StepImages}},
	appliance.VerbCreate: {
		appliance.KindRecord: {appliance.StepPointName, appliance.StepAddZone}, appliance.KindNameServer: {appliance.StepAddZone},
		appliance.KindVolume: {appliance.StepPlace},
	},
	appliance.VerbChange: {appliance.KindRecord: {appliance.StepPointName}},
	appliance.VerbKeep:   {appliance.KindRecord: {appliance.StepPointName, appliance.StepAddZone}},
	appliance.VerbRemove: {
		appliance.KindRecord: {appliance.StepReleaseName, appliance.StepRemoveZone}, appliance.KindVersion: {appliance.StepRemoveSite},
	},
	appliance.VerbDelete: {appliance.KindVolume: {appliance.StepContainers}, appliance.KindVersion: {appliance.StepRemoveSite}},
	appliance.VerbOpen:   {appliance.KindAddress: {appliance.StepDoor}},
	appliance.VerbClose:  {appliance.KindAddress: {appliance.StepClose}},
}

// linesOf are the lines of a plan that are about its step at i.
func linesOf(plan appliance.Plan, i int) []appliance.Line {
	var out []appliance.Line
	for _, l := range plan.Lines {
		if slices.Contains(stepOf[l.Verb][l.Kind], plan.Steps[i].Code) {
			out = append(out, l)
		}
	}
	return out
}
