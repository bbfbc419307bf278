// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"os"
	"testing"

	"coopkit/internal/problem"
)

func TestCatalogue_everyRecipeHasNoMistake(t *testing.T) {
	folders, err := os.ReadDir("catalogue")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		t.Run(folder.Name(), func(t *testing.T) {
			found, err := Lint(os.DirFS("catalogue/" + folder.Name()))
			if err != nil {
				t.Fatal(err)
			}
			for _, issue := range found {
				t.Error(issue)
			}
		})
	}
	if got := len(Embedded().All()); got != len(folders) {
		t.Errorf("the binary has %d recipes, the folder %d", got, len(folders))
	}
}

func TestFind_suggestsTheNearestName(t *testing.T) {
	_, err := Embedded().Find("wordpres")
	if !errors.Is(err, &problem.Problem{Code: "recipe-unknown"}) {
		t.Fatalf("got %v", err)
	}
	if want := `there is no recipe "wordpres" (did you mean "wordpress"?)`; problem.From(err, "").What != want {
		t.Errorf("got %q, want %q", problem.From(err, "").What, want)
	}
}
