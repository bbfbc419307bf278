// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
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
	Notes   []Text
	WayBack Text
	Lines   []string // as the agent says it, for technicians
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
	Step, Notice string
	What         Text
	Destructive  bool
	New          bool // it was not in the plan agreed to
	mark         string
}

// Text is a sentence with the language that it is in, empty for the page's own.
type Text struct{ Text, Lang string }

// PlanView says a plan in the language of the page. Lines of the same kind
// become one row, at the place of the first; what no message knows is shown as
// the agent says it.
func PlanView(p *webkit.Page, plan appliance.Plan) Plan {
	v := Plan{Page: p, Name: say.Subject(plan.Subject), Hash: plan.Hash, Key: rand.Text()}
	v.Order = p.T("area.plan.order")
	if slices.Contains([]appliance.Change{appliance.ChangeRemove, appliance.ChangeRemoveSite, appliance.ChangeJoin}, plan.Kind) {
		v.Order = p.T("area.plan.order.plain")
	}
	for i, g := range grouped(plan.Lines) {
		v.Rows = append(v.Rows, g.row(p, i+1))
	}
	for _, l := range plan.Lines {
		v.Lines = append(v.Lines, rawLine(l))
	}
	for _, n := range plan.Notes {
		v.Notes = append(v.Notes, noteText(p, n))
	}
	v.WayBack = wayBack(p, plan)
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

// group is what several lines of one kind do.
type group struct {
	verb, kind  string
	destructive bool
	things      []string // what people call them: the host, the address; empty for parts inside
	lines       []string
}

func grouped(lines []appliance.Line) []group {
	var groups []group
	for _, l := range lines {
		kind, name := thingOf(l.Thing)
		i := slices.IndexFunc(groups, func(g group) bool {
			return g.verb == l.Verb && g.kind == kind && g.destructive == l.Destructive
		})
		if i < 0 {
			i, groups = len(groups), append(groups, group{verb: l.Verb, kind: kind, destructive: l.Destructive})
		}
		g := &groups[i]
		if !slices.Contains(g.things, name) {
			g.things = append(g.things, name)
		}
		g.lines = append(g.lines, rawLine(l))
	}
	return groups
}

// thingOf splits a line's thing into its kind and its name: "volume x_db" is a
// volume, "A record www.demo.coop" is a record of www.demo.coop, "apps: recipe,
// version" are apps.
func thingOf(thing string) (kind, name string) {
	kind, name, _ = strings.Cut(thing, " ")
	if second, rest, ok := strings.Cut(name, " "); ok && second == "record" {
		return "record", rest
	}
	if _, host, ok := strings.Cut(name, " of site "); ok {
		name = host
	}
	return strings.TrimRight(kind, ",:"), name
}

func (g group) row(p *webkit.Page, n int) PlanRow {
	r := PlanRow{Destructive: g.destructive, Notice: p.T("area.notice.nothing")}
	r.Step = p.T("area.verb.other", "n", n)
	if key := "area.verb." + g.verb; p.Has(key) {
		r.Step = p.T(key, "n", n)
	}
	key := g.verb + "." + g.kind
	if g.destructive && p.Has("area.plan."+key+".gone") {
		key += ".gone"
	}
	if p.Has("area.plan." + key) {
		r.What.Text = p.T("area.plan."+key, "count", len(g.lines), "what", p.List(g.things))
	} else {
		r.What = Text{strings.Join(g.lines, "; "), "en"}
	}
	if p.Has("area.notice." + key) {
		r.Notice = p.T("area.notice." + key)
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(g.destructive, g.lines)))
	r.mark = hex.EncodeToString(sum[:4])
	return r
}

// rawLine is a line as the agent says it.
func rawLine(l appliance.Line) string {
	s := l.Verb + " " + l.Thing
	switch {
	case l.From != "" && l.To != "" && l.From != l.To:
		s += ": " + l.From + " → " + l.To
	case l.To != "":
		s += ": " + l.To
	case l.From != "":
		s += ": " + l.From
	}
	return s
}

// wayBack says how to undo a change of this kind.
func wayBack(p *webkit.Page, plan appliance.Plan) Text {
	key := "area.wayback." + string(plan.Kind)
	has := func(verb string) bool {
		return slices.ContainsFunc(plan.Lines, func(l appliance.Line) bool { return l.Verb == verb })
	}
	switch {
	case plan.Kind == "remove" && !has("export"):
		key += ".none"
	case plan.Kind == "publish" && has("change"):
		key += ".again"
	}
	if !p.Has(key) {
		return Text{plan.WayBack, "en"}
	}
	return Text{Text: p.T(key)}
}
