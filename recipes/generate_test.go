// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
)

var update = flag.Bool("update", false, "write the generated and golden files again")

// golden compares got with the file, or writes the file with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is stale: run go generate ./recipes (-want +got):\n%s", path, diff)
	}
}

func TestSchema_isUpToDateWithTheTypes(t *testing.T) {
	golden(t, "recipe.schema.json", generateSchema(t))
}

func generateSchema(t *testing.T) []byte {
	t.Helper()
	r := jsonschema.Reflector{
		Mapper: func(typ reflect.Type) *jsonschema.Schema {
			if typ == reflect.TypeFor[time.Duration]() {
				return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}
			}
			return nil
		},
	}
	if err := r.AddGoComments("coopkit/recipes", "./", jsonschema.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(&Recipe{})
	s.ID = "https://coopkit.example/schemas/recipe.schema.json"
	s.Title = "Coopkit recipe, format 1"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.TrimSpace(out), '\n')
}
