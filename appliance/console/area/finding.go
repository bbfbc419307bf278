// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// FindingPath is the page of one finding.
func FindingPath(f appliance.Finding) string { return f.Path() }

// FindingWords says a finding in the reader's language, else in the agent's own
// words, which are English.
func FindingWords(p *webkit.Page, f appliance.Finding) webkit.Sentences {
	return p.ExplainFinding(f.Code, f.Args, webkit.Sentences{Title: f.What, Why: f.Why, Next: webkit.RemedyOf(f.Next)})
}

// installOf is the install that a finding is about: wordpress of
// "app:wordpress/db".
func installOf(subject string) string {
	name, _, _ := strings.Cut(say.Subject(subject), "/")
	return name
}

// FindingView is the card of a finding: what it means for people, why, what to
// do next, who can do it, and the buttons for what this console can do itself.
func FindingView(p *webkit.Page, f appliance.Finding) webkit.Finding {
	words := FindingWords(p, f)
	card := p.FindingCard(f.Severity.String(), f.Code, f.Subject)
	card.Title = words.Title
	card.Say(p, words.What, words.Why, words.Next)
	card.Meta = []template.HTML{since(p, f.Since), template.HTML(template.HTMLEscapeString(say.Actor(p.Locale, f.Who)))} //nolint:gosec // escaped
	if f.Severity == appliance.Critical {
		card.Code = f.Code
	}
	if n := len(f.Hides); n > 0 {
		card.Hides = p.T("area.finding.hides", "count", n)
	}
	card.Actions = findingActions(p, f)
	return card
}

// since is the time of day for what began lately, else the date.
func since(p *webkit.Page, t time.Time) template.HTML {
	if p.Now.Sub(t) < 18*time.Hour {
		return p.H("area.finding.since.hour", "time", p.Hour(t))
	}
	return p.H("area.finding.since", "date", p.Day(t))
}

// The codes that starting or restarting an app may solve.
var (
	startable   = []string{"SERVICE-STOPPED", "APP-STOPPED"}
	restartable = []string{"SERVICE-OUT-OF-MEMORY", "SERVICE-RESTARTING", "SERVICE-UNHEALTHY", "APP-NOT-ANSWERING"}
)

// findingActions are what this console can do about a finding, the likeliest to
// help first.
func findingActions(p *webkit.Page, f appliance.Finding) []webkit.Action {
	kind, _, _ := strings.Cut(f.Subject, ":")
	switch {
	case kind == "app":
		at, name := "/apps/"+url.PathEscape(installOf(f.Subject)), About(f)
		look := webkit.Action{Text: p.T("area.finding.app", "name", name), Href: at}
		switch {
		case f.Code == "BACKUP-NONE":
			return []webkit.Action{{Text: p.T("area.finding.copy"), Href: at + "#copy", Kind: "go"}, look}
		case slices.Contains(startable, f.Code):
			return []webkit.Action{{Text: p.T("area.finding.start", "name", name), Href: at + "/start", Kind: "go", Post: true}, look}
		case slices.Contains(restartable, f.Code):
			return []webkit.Action{{Text: p.T("area.finding.restart", "name", name), Href: at + "/restart", Kind: "go", Post: true}, look}
		}
		return []webkit.Action{look}
	case kind == "host" || kind == "name" || kind == "zone":
		return []webkit.Action{{Text: p.T("area.finding.names"), Href: "/names", Kind: "go"}}
	case kind == "messages":
		return []webkit.Action{{Text: p.T("area.finding.messages"), Href: "/settings/messages", Kind: "go"}}
	case kind == "desk":
		return []webkit.Action{{Text: p.T("area.finding.desk"), Href: "/settings/desk", Kind: "go"}}
	case kind == "disk" || strings.HasPrefix(f.Code, "MEMORY-"):
		return []webkit.Action{{Text: p.T("area.finding.apps"), Href: "/apps", Kind: "go"}}
	default:
		return nil
	}
}

// MoreAbout is the way to the finding's own page.
func MoreAbout(p *webkit.Page, f appliance.Finding) webkit.Action {
	return webkit.Action{Text: p.T("area.finding.more"), Href: FindingPath(f), Kind: "quiet"}
}
