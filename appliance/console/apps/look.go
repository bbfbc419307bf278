// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"

	"coopkit/appliance/control"
	"coopkit/internal/locale"
	"coopkit/internal/webkit"
	"coopkit/recipes"
)

// Look is the pictogram of a need and the tint behind it.
func Look(need string) (icon, tint string) {
	switch need {
	case "website":
		return "globe", "i3"
	case "files":
		return "folder", "i2"
	case "calendar", "meetings":
		return "cal", "i6"
	case "wiki":
		return "book", "i7"
	case "chat":
		return "chat", "i5"
	case "decisions", "forms":
		return "vote", "i5"
	case "members", "identity":
		return "people", "i1"
	case "accounting":
		return "coin", "i4"
	case "shop":
		return "basket", "i4"
	case "mail":
		return "mail", "i7"
	case "passwords":
		return "key", "i2"
	case "projects":
		return "list", "i1"
	case "support":
		return "help", "i6"
	default:
		return "apps", "i7"
	}
}

// needName is what an app is for, as people say it: Website.
func needName(l *locale.Locale, need string) string {
	if key := "apps.need." + need; l.Has(key) {
		return l.T(key)
	}
	return l.T("apps.need.other")
}

// in gives the text of a recipe in the reader's language.
func in(l *locale.Locale, texts map[string]string) string {
	return cmp.Or(texts[l.Lang], texts["en"])
}

// statePill is how an app is, in a word.
func statePill(p *webkit.Page, state string) webkit.Pill {
	pill := map[string]webkit.Pill{
		"running": {Kind: "ok", Icon: "okc"}, "starting": {Kind: "note", Icon: "clock"}, "stopped": {Icon: "minus"},
		"failing": {Kind: "crit", Icon: "oct"}, "adding": {Kind: "note", Icon: "clock"}, "changing": {Kind: "note", Icon: "clock"},
	}[state]
	if pill.Icon == "" {
		pill.Icon, state = "quiet", "unknown"
	}
	pill.Text = p.T("apps.state." + state)
	return pill
}

// shown are the apps that people see: trials of recipes are not among them.
func shown(all []control.App) []control.App {
	var out []control.App
	for _, a := range all {
		if !a.Scratch {
			out = append(out, a)
		}
	}
	return out
}

// byName finds a recipe in the catalogue; nil if it is not there any more.
func byName(all []*recipes.Recipe, name string) *recipes.Recipe {
	for _, r := range all {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// everyday is what people call an app: by its use, Website, where the catalogue
// says it, else by its program.
func everyday(l *locale.Locale, a control.App, r *recipes.Recipe) string {
	if r == nil || r.Need == "other" {
		return a.Title
	}
	return needName(l, r.Need)
}
