// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"

	"coopkit/appliance"
	"coopkit/internal/locale"
	"coopkit/recipes"
)

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

// shown are the apps that people see: trials of recipes are not among them.
func shown(all []appliance.App) []appliance.App {
	var out []appliance.App
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

// everyday is what people would call an app of this recipe: by its use,
// Handbook, else by its program.
func everyday(l *locale.Locale, r *recipes.Recipe) string {
	if r.Need == "other" || !l.Has("apps.need."+r.Need) {
		return in(l, r.Title)
	}
	return needName(l, r.Need)
}
