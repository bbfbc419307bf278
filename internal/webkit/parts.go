// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"html/template"
	"strings"
)

// The parts of pages, as templates/parts.html renders them: {{template "pill"
// .State}}. All texts are in the reader's language already.
type (
	// Pill is a state in at most three words. Kind is ok, note, warn, crit or
	// empty.
	Pill struct{ Kind, Icon, Text string }

	// Action is a button: a link, or with Post a form of its own. Kind is go (one
	// a card), risk, quiet, sm, or several of them.
	Action struct {
		Text, Href, Kind, Icon string
		Post, Outside          bool
		Hidden                 []Pair
	}

	// Pair is a name with a value.
	Pair struct{ Name, Value string }

	// Finding is what, why, next of one finding. Kind is note, warn or crit.
	Finding struct {
		ID, Kind, Icon, Word, Title, Code, Hides string
		Meta                                     []template.HTML
		Rows                                     []Row
		Actions                                  []Action
		Commands                                 []string // for technicians, under CommandsWord
		CommandsWord                             string
	}

	// Row is a term with one or more sentences, or steps with links.
	Row struct {
		Name  string
		Texts []string
		Steps []template.HTML
	}

	// Field is one question of a form. Kind is an input's type, select, textarea
	// or file; empty means text. Plain switches spelling help off.
	Field struct {
		Name, Label, Hint, Error, Value, Kind, Autocomplete, Accept string
		Options                                                     []Pair
		Folder, Many, Plain                                         bool
		Required                                                    bool   // marked as one that needs an answer
		Look                                                        string // address that says what is known of a value; the value is added to it
	}

	// Meter is a share of a whole, always beside its sentence. Percent is 0 to
	// 100, Kind empty or w.
	Meter struct {
		Label, Kind string
		Percent     int
	}

	// Week is the strip of the last days, oldest first: "" for fine, w, c, or x
	// for no report.
	Week struct {
		Label string
		Days  []string
	}

	// Step is one stop of a job. Kind is done, now, todo, bad or back; Word says it
	// to those who do not see it.
	Step struct {
		Kind, Icon, Name, Word string
		Fact                   string
		Notes                  []string // what a person should know of it
		Took                   template.HTML
	}

	// Empty is what stands where nothing is yet.
	Empty struct {
		Icon, Title, Text string
		Actions           []Action
	}

	// Pager leads through a long list; empty links are not shown.
	Pager struct {
		Label, Text, Previous, Next, PreviousWord, NextWord string
	}
)

// The kinds of a Pill and Finding by severity word of the checks.
func kindOf(severity string) (kind, icon, sign string) {
	switch severity {
	case "critical":
		return "crit", "oct", "bang"
	case "warning":
		return "warn", "tri", "bang"
	case "notice":
		return "note", "info", "i"
	case "silent":
		return "", "quiet", "quiet"
	default:
		return "ok", "okc", "check"
	}
}

// Bars are the days as the strip shows them. A fleet has hundreds on a page, so
// this is not left to a template.
func (w Week) Bars() template.HTML {
	var b strings.Builder
	for _, day := range w.Days {
		if day == "" {
			b.WriteString("<i></i>")
			continue
		}
		b.WriteString(`<i class="` + template.HTMLEscapeString(day) + `"></i>`)
	}
	return template.HTML(b.String()) //nolint:gosec // escaped
}

// Severity is the pill of a severity: ok, notice, warning, critical or silent.
func (p *Page) Severity(severity string) Pill {
	kind, icon, _ := kindOf(severity)
	if severity == "" {
		severity = "ok"
	}
	return Pill{Kind: kind, Icon: icon, Text: p.T("webkit.severity." + severity)}
}

// FindingCard begins the card of a finding of this severity: its sign and word.
func (p *Page) FindingCard(severity, code, subject string) Finding {
	kind, _, sign := kindOf(severity)
	return Finding{
		ID:   strings.Trim(strings.ToLower(strings.NewReplacer(":", "-", "/", "-", " ", "-", ".", "-").Replace(code+"-"+subject)), "-"),
		Kind: kind, Icon: sign, Word: p.T("webkit.severity." + severity),
	}
}

// Say fills the card of a finding or problem with words; empty ones are left out.
func (f *Finding) Say(p *Page, what, why string, next Remedy) {
	f.Rows = nil
	if what != "" {
		f.Rows = append(f.Rows, Row{Name: p.T("webkit.what"), Texts: []string{what}})
	}
	if why != "" {
		f.Rows = append(f.Rows, Row{Name: p.T("webkit.why"), Texts: []string{why}})
	}
	if len(next.Steps) > 0 {
		f.Rows = append(f.Rows, Row{Name: p.T("webkit.next"), Steps: next.HTML()})
	}
	f.Commands, f.CommandsWord = next.Commands, p.T("webkit.technicians")
}
