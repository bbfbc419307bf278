// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFileBytes = 256 << 10
	maxDepth     = 32 // of nesting; real recipes need 6
)

// node is a value of a YAML document with its position. Anchors, aliases,
// merge keys and tags do not exist here: the reader refuses them, so a
// document is never larger than its file.
type node struct {
	line, column int
	value        any              // of a scalar: string, bool, int, float64 or nil
	written      string           // a number as the file has it
	items        []*node          // of a sequence
	fields       map[string]*node // of a mapping
	keys         map[string]*node // positions of the mapping's keys
	kind         kind
}

type kind int

const (
	scalar kind = iota
	sequence
	mapping
)

// parseYAML reads one document. The mistakes are all about YAML itself.
func parseYAML(file string, data []byte) (*node, issues) {
	var found issues
	tokens := lexer.Tokenize(string(data))
	if at := tooDeep(tokens); at != nil {
		found.add(file, position(at), "yaml-depth", "this is nested too deeply", fmt.Sprintf("use at most %d levels", maxDepth))
		return nil, found
	}
	tree, err := parser.Parse(tokens, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		at, what := &node{line: 1, column: 1}, "this is not valid YAML"
		if errors.As(err, &syntax) && syntax.Token != nil {
			at, what = position(syntax.Token), what+": "+syntax.Message
		}
		found.add(file, at, "yaml-syntax", what, "correct the line; indent with spaces and quote text with special characters")
		return nil, found
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		found.add(file, &node{line: 1, column: 1}, "yaml-documents", "the file must hold one YAML document", "write the document, without --- in between")
		return nil, found
	}
	b := builder{file: file, issues: &found}
	root := b.build(tree.Docs[0].Body, 0)
	return root, found
}

// tooDeep returns the token at which flow brackets, or entries on one line,
// nest deeper than any recipe needs: the parser is recursive.
func tooDeep(tokens token.Tokens) *token.Token {
	brackets, line, onLine := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, onLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			onLine++
		default:
		}
		if brackets > maxDepth || onLine > maxDepth || (t.Position.IndentNum > 16*maxDepth) {
			return t
		}
	}
	return nil
}

func position(t *token.Token) *node {
	return &node{line: t.Position.Line, column: t.Position.Column}
}

type builder struct {
	file   string
	issues *issues
}

func (b *builder) build(n ast.Node, depth int) *node {
	out := &node{line: 1, column: 1}
	if t := n.GetToken(); t != nil {
		out = position(t)
	}
	if depth > maxDepth {
		b.issues.add(b.file, out, "yaml-depth", "this is nested too deeply", fmt.Sprintf("use at most %d levels", maxDepth))
		return out
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		b.buildMapping(out, n.Values, depth)
	case *ast.MappingValueNode:
		b.buildMapping(out, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		out.kind = sequence
		for _, item := range n.Values {
			out.items = append(out.items, b.build(item, depth+1))
		}
	case *ast.LiteralNode:
		out.value = n.Value.Value
	case *ast.StringNode:
		out.value = n.Value
	case *ast.IntegerNode:
		out.value, out.written = integer(n.Value), n.GetToken().Value
	case *ast.FloatNode:
		out.value, out.written = n.Value, n.GetToken().Value
	case *ast.BoolNode:
		out.value = n.Value
	case *ast.NullNode:
	default:
		b.issues.add(b.file, out, "yaml-feature", "this feature of YAML is not used in recipes (anchors, aliases, merges and tags are not)", "write the value out")
	}
	return out
}

// integer returns v as an int, which is what Compose's schema knows.
func integer(v any) any {
	switch v := v.(type) {
	case int64:
		return int(v)
	case uint64:
		if v <= math.MaxInt {
			return int(v)
		}
		return float64(v)
	}
	return v
}

func (b *builder) buildMapping(out *node, values []*ast.MappingValueNode, depth int) {
	out.kind = mapping
	out.fields, out.keys = map[string]*node{}, map[string]*node{}
	for i, v := range values {
		at := position(v.Key.GetToken())
		if i == 0 {
			out.line, out.column = at.line, at.column
		}
		var key string
		switch k := v.Key.(type) {
		case *ast.StringNode:
			key = k.Value
		case *ast.IntegerNode:
			key = fmt.Sprint(k.Value)
		default:
			b.issues.add(b.file, at, "yaml-feature", "a key must be plain text", "write the key as text; anchors, merges and tags are not used in recipes")
			continue
		}
		if _, twice := out.fields[key]; twice {
			b.issues.add(b.file, at, "key-twice", strconv.Quote(key)+" is there twice", "keep one of them")
			continue
		}
		out.keys[key] = at
		out.fields[key] = b.build(v.Value, depth+1)
	}
}

// plain returns the value in the types of encoding/json, for the schema.
func (n *node) plain() any {
	switch n.kind {
	case mapping:
		m := make(map[string]any, len(n.fields))
		for k, v := range n.fields {
			m[k] = v.plain()
		}
		return m
	case sequence:
		s := make([]any, len(n.items))
		for i, v := range n.items {
			s[i] = v.plain()
		}
		return s
	default:
		return n.value
	}
}

// at returns the node at a path of keys and indexes, or the deepest one on the
// way there.
func (n *node) at(path ...string) *node {
	for _, step := range path {
		next := n.fields[step]
		if i, err := strconv.Atoi(step); err == nil && n.kind == sequence && i >= 0 && i < len(n.items) {
			next = n.items[i]
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// key returns the position of a key of a mapping, or of the mapping.
func (n *node) key(name string) *node {
	if k := n.keys[name]; k != nil {
		return k
	}
	return n
}

// text returns the value of a scalar as Compose would read it.
func (n *node) text() string {
	if n.value == nil {
		return ""
	}
	return fmt.Sprint(n.value)
}

func (n *node) names() []string { return slices.Sorted(maps.Keys(n.fields)) }
