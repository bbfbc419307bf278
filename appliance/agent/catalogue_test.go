// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"testing"

	"coopkit/appliance"
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
			if left, err := r.agent.backend.engine.Installs(t.Context()); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}
