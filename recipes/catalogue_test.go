// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"os"
	"strings"
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

// What the catalogue says of people is true: nobody in it is invented.
func TestCatalogue_namesNobodyInvented(t *testing.T) {
	for _, r := range Embedded().All() {
		said := []string{}
		for _, m := range r.Maintainers {
			said = append(said, m.Name, m.Contact)
		}
		for _, o := range r.Offers {
			said = append(said, o.By, o.URL)
		}
		for _, text := range said {
			for _, reserved := range []string{".example", ".test", ".invalid", "localhost", "example.org", "example.com", "example.net"} { // RFC 2606
				if strings.Contains(text, reserved) {
					t.Errorf("%s: %q is nobody's", r.Name, text)
				}
			}
		}
		if len(r.Offers) > 0 {
			t.Errorf("%s: no co-op has offered anything yet: %v", r.Name, r.Offers)
		}
	}
}
