// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const referencePage = "../docs/reference/recipe-format.md"

const referenceHead = `# The recipe format

<!-- Made by go generate ./recipes from the types' comments, the schema and the linter's own messages. -->

For people who write or review recipes. A recipe is a folder with
` + "`recipe.yaml`, `compose.yaml`, `README.md` and `icon.svg`" + `, and ` + "`debian/<folder>/Dockerfile`" + `
for each image that can be built here from Debian's packages. The published
JSON Schema of ` + "`recipe.yaml` is `recipes/recipe.schema.json`" + `; name it in the first line
of the file and your editor helps you:

    # yaml-language-server: $schema=../../recipe.schema.json

Each file has at most 256 KiB. Anchors, aliases, merge keys and tags of YAML are
refused. Durations are written as ` + "`90s` or `2m`" + `.

The linter refuses every key that it does not know. A box does not: the release
of an app keeps its recipe, and older and newer programs run it. They ignore keys
that they do not know, and a key that is not there has its default. What a program
could not ignore raises the ` + "`format`" + `; a program that does not know that format
does not touch the app, and says which coopkit to install.

Next: [write a recipe](../how-to/write-a-recipe.md) · [trust](../explanation/trust.md)

## Variables

| variable | value |
|---|---|
| ` + "`${HOST}` `${URL}`" + ` | of the main address: ` + "`www.demo.coop`, `https://www.demo.coop:8443`" + ` |
| ` + "`${HOST_<WEB>}` `${URL_<WEB>}`" + ` | of another web service |
| ` + "`${SETTING_<NAME>}`" + ` | an answer |
| ` + "`${SECRET_<NAME>}`" + ` | a generated secret |
| ` + "`${TIMEZONE}`" + ` | the box's, such as ` + "`Europe/Madrid`" + ` |

Names are in upper case with ` + "`_` for `-`. `$$`" + ` is a dollar sign; no other use of ` + "`$`" + ` is
allowed. In ` + "`compose.yaml`" + ` a variable may stand in the values of ` + "`environment`" + ` and in
the ` + "`content` of `configs`" + `, in ` + "`recipe.yaml`" + ` in the user, forms and commands of
` + "`first_account`" + ` and in ` + "`rename`" + `; a command line takes neither secrets nor answers: give
those on ` + "`stdin`" + `.

## recipe.yaml
`

func TestReference_isUpToDateWithTheTypes(t *testing.T) {
	var b strings.Builder
	b.WriteString(referenceHead)
	var s struct {
		Defs map[string]definition `json:"$defs"`
	}
	if err := json.Unmarshal(generateSchema(t), &s); err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	writeType(&b, s.Defs, reflect.TypeFor[Recipe](), seen)
	writeCompose(&b)
	writeRefusals(t, &b)
	golden(t, referencePage, []byte(b.String()))
}

type definition struct {
	Description string                `json:"description"`
	Properties  map[string]definition `json:"properties"`
	Required    []string              `json:"required"`
	Enum        []any                 `json:"enum"`
	Items       *definition           `json:"items"`
	Pattern     string                `json:"pattern"`
}

// writeType writes the table of a type, then those of the types in it.
func writeType(b *strings.Builder, defs map[string]definition, typ reflect.Type, seen map[reflect.Type]bool) {
	if seen[typ] {
		return
	}
	seen[typ] = true
	def := defs[typ.Name()]
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n| key | value | meaning |\n|---|---|---|\n", typ.Name(), strings.Join(strings.Fields(def.Description), " "))
	var below []reflect.Type
	for field := range typ.Fields() {
		if !field.IsExported() {
			continue
		}
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		p := def.Properties[key]
		value, inner := describe(field.Type)
		if inner != nil {
			below = append(below, inner)
		}
		if !slices.Contains(def.Required, key) {
			value += ", optional"
		}
		if options := append(p.Enum, itemsOf(p)...); len(options) > 0 {
			value += ": " + strings.Join(texts(options), ", ")
		}
		meaning := p.Description
		if p.Pattern != "" && field.Type != reflect.TypeFor[time.Duration]() {
			meaning = strings.TrimPrefix(meaning+"; form `"+strings.ReplaceAll(p.Pattern, "|", `\|`)+"`", "; ")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", key, value, meaning)
	}
	for _, inner := range below {
		writeType(b, defs, inner, seen)
	}
}

func itemsOf(d definition) []any {
	if d.Items == nil {
		return nil
	}
	return d.Items.Enum
}

// describe says what a Go type is in YAML, and which type of ours is in it.
func describe(typ reflect.Type) (string, reflect.Type) {
	if typ == reflect.TypeFor[time.Duration]() {
		return "duration", nil
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return describe(typ.Elem())
	case reflect.Slice:
		text, inner := describe(typ.Elem())
		return "list of " + text, inner
	case reflect.Map:
		text, inner := describe(typ.Elem())
		return "mapping to " + text, inner
	case reflect.Struct:
		return "[" + typ.Name() + "](#" + strings.ToLower(typ.Name()) + ")", typ
	case reflect.Bool:
		return "true or false", nil
	case reflect.Int:
		return "number", nil
	default:
		return "text", nil
	}
}

func writeCompose(b *strings.Builder) {
	b.WriteString("\n## compose.yaml\n\nThe Compose Specification, in this part: `services`, `volumes` (names alone) and\n" +
		"`configs` (with `content`). A service may have:\n\n")
	for _, key := range allowedServiceKeys() {
		fmt.Fprintf(b, "- `%s`\n", key)
	}
	b.WriteString("\nCapabilities that may be asked for: `" + strings.Join(capabilities, "`, `") + "`.\nAll others are dropped.\n\n" +
		"These keys are refused, each for a reason:\n\n| key | why not |\n|---|---|\n")
	for _, key := range slices.Sorted(maps.Keys(refusedKeys)) {
		fmt.Fprintf(b, "| `%s` | %s |\n", key, refusedKeys[key].what)
	}
}

// writeRefusals lists every code of the linter that its test provokes, with
// one message as an example.
func writeRefusals(t *testing.T, b *strings.Builder) {
	t.Helper()
	examples := map[string]Issue{}
	keep := func(found []Issue, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, issue := range found {
			if _, known := examples[issue.Code]; !known {
				examples[issue.Code] = issue
			}
		}
	}
	for _, m := range mistakes {
		fsys := good(t, "wordpress")
		fsys[m.file].Data = []byte(strings.Replace(string(fsys[m.file].Data), m.old, m.new, 1))
		keep(Lint(fsys))
	}
	fsys := good(t, "wordpress")
	delete(fsys, readmeFile)
	fsys[iconFile].Data = make([]byte, maxFileBytes+1)
	keep(Lint(fsys))
	fmt.Fprint(b, "\n## What the linter says\n\n`coopkit recipe lint DIR` gives each mistake with its file, line and column, what to\ndo, and one of these codes:\n\n| code | example | what to do |\n|---|---|---|\n")
	for _, code := range slices.Sorted(maps.Keys(examples)) {
		e := examples[code]
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", code, cell(e.What), cell(e.Next))
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
