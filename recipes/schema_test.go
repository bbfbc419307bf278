// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"bytes"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The published schema alone, with another YAML reader, must take every recipe
// of the catalogue: editors use it that way.
func TestSchema_takesEveryRecipeOfTheCatalogue(t *testing.T) {
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", raw); err != nil {
		t.Fatal(err)
	}
	s := c.MustCompile("schema.json")
	for _, r := range Embedded().All() {
		data, err := os.ReadFile("catalogue/" + r.Name + "/recipe.yaml")
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := yaml.YAMLToJSON(data)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
}
