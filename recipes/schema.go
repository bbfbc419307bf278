// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"bytes"
	_ "embed" // the schema
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	schemakind "github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// schemaJSON is generated from the types by go generate (see generate_test.go).
//
//go:embed recipe.schema.json
var schemaJSON []byte

// Schema returns the published JSON Schema of recipe.yaml.
func Schema() []byte { return bytes.Clone(schemaJSON) }

const schemaURL = "recipe.schema.json"

var schema = sync.OnceValues(func() (*compiledSchema, error) {
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return nil, fmt.Errorf("read recipe schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaURL, raw); err != nil {
		return nil, fmt.Errorf("add recipe schema: %w", err)
	}
	compiled, err := c.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Errorf("compile recipe schema: %w", err)
	}
	return &compiledSchema{compiled, raw}, nil
})

type compiledSchema struct {
	*jsonschema.Schema
	raw any
}

// validate compares the document with the schema and adds every difference.
func (c *compiledSchema) validate(file string, root *node, found *issues) {
	var failed *jsonschema.ValidationError
	if err := c.Validate(root.plain()); !errors.As(err, &failed) {
		return
	}
	c.explain(file, root, failed, found)
}

func (c *compiledSchema) explain(file string, root *node, e *jsonschema.ValidationError, found *issues) {
	for _, cause := range e.Causes {
		c.explain(file, root, cause, found)
	}
	if len(e.Causes) > 0 {
		return
	}
	at := root.at(e.InstanceLocation...)
	name := strings.Join(e.InstanceLocation, ".")
	if name == "" {
		name = "the recipe"
	}
	add := func(n *node, code, what, next string) { found.add(file, n, code, what, next) }
	switch k := e.ErrorKind.(type) {
	case *schemakind.Required:
		for _, missing := range k.Missing {
			add(at, "key-missing", fmt.Sprintf("%q is missing in %s", missing, name), "add it"+c.meaning(e.SchemaURL, missing))
		}
	case *schemakind.AdditionalProperties:
		for _, unknown := range k.Properties {
			known := c.properties(e.SchemaURL)
			add(at.key(unknown), "key-unknown", fmt.Sprintf("%s has no key %q%s", name, unknown, didYouMean(unknown, known)),
				"use one of: "+strings.Join(known, ", "))
		}
	case *schemakind.Type:
		add(at, "value-type", fmt.Sprintf("%s must be %s, not %s", name, inWords(k.Want...), inWords(k.Got)), "correct the value; quote text that looks like a number")
	case *schemakind.Enum:
		add(at, "value-choice", fmt.Sprintf("%s cannot be %q%s", name, fmt.Sprint(k.Got), didYouMean(fmt.Sprint(k.Got), texts(k.Want))),
			"use one of: "+strings.Join(texts(k.Want), ", "))
	case *schemakind.Pattern:
		add(at, "value-form", fmt.Sprintf("%s does not have the right form: %q", name, k.Got), "write one that matches "+k.Want)
	default:
		add(at, "value-invalid", name+": "+e.ErrorKind.LocalizedString(message.NewPrinter(language.English)), "correct the value")
	}
}

// object returns the part of the schema that a location such as
// "…#/$defs/Web" names.
func (c *compiledSchema) object(location string) map[string]any {
	_, path, _ := strings.Cut(location, "#")
	at := c.raw
	for step := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if m, ok := at.(map[string]any); ok && step != "" {
			at = m[strings.NewReplacer("%24", "$", "~1", "/", "~0", "~").Replace(step)]
		}
	}
	m, _ := at.(map[string]any)
	return m
}

func (c *compiledSchema) properties(location string) []string {
	var names []string
	p, _ := c.object(location)["properties"].(map[string]any)
	for name := range p {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (c *compiledSchema) meaning(location, property string) string {
	p, _ := c.object(location)["properties"].(map[string]any)
	one, _ := p[property].(map[string]any)
	if text, ok := one["description"].(string); ok {
		return ": " + text
	}
	return ""
}

func inWords(types ...string) string {
	words := map[string]string{
		"object": "a mapping", "array": "a list", "string": "text", "null": "empty",
		"integer": "a whole number", "number": "a number", "boolean": "true or false",
	}
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = words[t]
	}
	return strings.Join(out, " or ")
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return out
}
