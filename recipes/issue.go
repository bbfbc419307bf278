// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"coopkit/internal/problem"
)

// Issue is one mistake in a recipe: where it is, what is wrong and what to do.
type Issue struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"` // from 1; 0 when the whole file is meant
	Column int    `json:"column,omitempty"`
	Code   string `json:"code"` // stable slug, listed in docs/reference/recipe-format.md
	What   string `json:"what"`
	Next   string `json:"next"`
}

// String returns "file:line:column: what; next [code]".
func (i Issue) String() string {
	at := i.File
	if i.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", i.File, i.Line, i.Column)
	}
	return fmt.Sprintf("%s: %s; %s [%s]", at, i.What, i.Next, i.Code)
}

// Invalid returns the Problem "recipe-invalid" that says how many mistakes
// there are and shows the first ones. It returns nil when there are none.
func Invalid(name string, issues []Issue) error {
	if len(issues) == 0 {
		return nil
	}
	const shown = 5
	p := &problem.Problem{
		Code: "recipe-invalid", Kind: problem.Invalid,
		What: fmt.Sprintf("the recipe %s has %s", name, count(len(issues), "mistake")),
	}
	for i, issue := range issues {
		if i == shown {
			p.Next = append(p.Next, fmt.Sprintf("and %d more: see coopkit recipe lint", len(issues)-shown))
			break
		}
		p.Next = append(p.Next, issue.String())
	}
	return p
}

// issues collects the mistakes of one recipe.
type issues []Issue

func (is *issues) add(file string, n *node, code, what, next string) {
	i := Issue{File: file, Code: code, What: what, Next: next}
	if n != nil {
		i.Line, i.Column = n.line, n.column
	}
	*is = append(*is, i)
}

func (is *issues) sort() {
	slices.SortStableFunc(*is, func(a, b Issue) int {
		return cmp.Or(
			strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			strings.Compare(a.Code, b.Code), strings.Compare(a.What, b.What),
		)
	})
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
