// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"strings"
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/engine/docker"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

// TestCatalogue_everyRecipePassesItsTest builds the images of every recipe from
// Debian's packages (once; the engine keeps them), adds it to a scratch place,
// makes its first account, tries it and removes it.
func TestCatalogue_everyRecipePassesItsTest(t *testing.T) {
	testkit.NeedDocker(t)
	testkit.NeedProgram(t, "debootstrap")
	cfg := config(t)
	cfg.Engine = ""
	r := run(t, cfg)
	for _, recipe := range recipes.Embedded().All() {
		t.Run(recipe.Name, func(t *testing.T) {
			job, err := r.TestRecipe(t.Context(), recipe.Name, appliance.FromDebian)
			r.done(t, job, err)
			eng, err := docker.New("")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = eng.Close() }()
			installs, err := eng.Installs(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range installs {
				if strings.HasPrefix(string(name), "test-"+recipe.Name+"-") { // other tests use the engine too
					t.Errorf("%s was left behind", name)
				}
			}
		})
	}
}
