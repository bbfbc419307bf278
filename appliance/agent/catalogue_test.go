// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"coopkit/appliance"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

// tried are the recipes that every test run tries; "make catalogue" tries all.
var tried = flag.String("recipes", "radicale", "recipes to try for real, separated by commas; or all")

// TestCatalogue_everyRecipePassesItsTest builds the images of a recipe from
// Debian's packages (once; the engine keeps them), adds it to a scratch place,
// makes its first account, tries it and removes it.
func TestCatalogue_everyRecipePassesItsTest(t *testing.T) {
	testkit.NeedDocker(t)
	testkit.NeedProgram(t, "debootstrap")
	cfg := config(t)
	cfg.Engine = ""
	r := run(t, cfg)
	for _, name := range chosen(t, *tried) {
		t.Run(name, func(t *testing.T) {
			job, err := r.Recipes.Test(t.Context(), appliance.TestRecipe{Name: name, Images: appliance.FromDebian})
			r.done(t, job, err)
			if left, err := r.agent.backend.engine.Installs(t.Context()); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// chosen are the names in a list; a name that the catalogue does not have fails the test.
func chosen(t *testing.T, list string) (names []string) {
	t.Helper()
	for _, r := range recipes.Embedded().All() {
		names = append(names, r.Name)
	}
	if list == "all" {
		return names
	}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			t.Fatalf("the catalogue has no recipe %q", name)
		}
	}
	return wanted
}
