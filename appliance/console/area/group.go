// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"cmp"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// Group is what one card shows: findings that say the same of several things,
// as severe. It is never empty.
type Group []appliance.Finding

// Groups puts findings together that say the same, each group at the place of
// its first.
func Groups(findings []appliance.Finding) []Group {
	var out []Group
	for _, f := range findings {
		i := slices.IndexFunc(out, func(g Group) bool {
			return g[0].Code == f.Code && g[0].Severity == f.Severity && kindOf(g[0]) == kindOf(f)
		})
		if i < 0 {
			out = append(out, Group{f})
			continue
		}
		out[i] = append(out[i], f)
	}
	return out
}

func kindOf(f appliance.Finding) string {
	kind, _, _ := strings.Cut(f.Subject, ":")
	return kind
}

// Severity is that of each of its findings.
func (g Group) Severity() appliance.Severity { return g[0].Severity }

// linked is how many findings of a group have a way to their own page on its
// card.
const linked = 6

// View is the card of a group.
func (g Group) View(p *webkit.Page) webkit.Finding {
	card := FindingView(p, g[0])
	if len(g) == 1 {
		card.Actions = append(card.Actions, MoreAbout(p, g[0]))
		return card
	}
	names := make([]string, len(g))
	for i, f := range g {
		names[i] = About(f)
	}
	key := "area.group." + g[0].Code
	if p.Has(key) {
		card.Title = p.T(key, "count", len(g), "names", p.List(names))
		card.Say(p, "", p.T(key+".why"), webkit.RemedyOf([]string{p.T(key + ".next")}))
	} else {
		card.Title = p.T("area.group", "title", card.Title, "count", len(g)-1)
		card.Say(p, p.List(names), "", webkit.Remedy{})
	}
	card.Hides, card.Actions = "", nil
	for i, f := range g[:min(len(g), linked)] {
		card.Actions = append(card.Actions, webkit.Action{Text: p.T("area.group.one", "name", names[i]), Href: wayTo(p, f), Kind: "quiet"})
	}
	return card
}

// wayTo is where something is done about the finding of an app, else its own
// page.
func wayTo(p *webkit.Page, f appliance.Finding) string {
	if actions := findingActions(p, f); kindOf(f) == "app" && !actions[0].Post {
		return actions[0].Href
	}
	return FindingPath(f)
}

// About is what a finding is about, as people call it: Handbook of
// "app:dokuwiki".
func About(f appliance.Finding) string {
	if kindOf(f) == "app" {
		return cmp.Or(f.Args["app"], f.Args["name"], installOf(f.Subject))
	}
	return cmp.Or(say.Subject(f.Subject), f.Code)
}
