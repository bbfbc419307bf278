// SPDX-License-Identifier: AGPL-3.0-or-later

package arch

import (
	"fmt"
	"strconv"
	"strings"
)

// Rule says what some packages never import, and why. Packages are import
// paths; "x" means that package, "x/..." means it and all below it.
type Rule struct {
	From    []string // "*": every package
	But     []string // exceptions of From
	Never   []string
	Allow   []string // exceptions of Never
	Tests   bool     // holds for test files too
	Because string
}

// Imports returns one line for each import that breaks a rule.
func Imports(module string, files []File, rules []Rule) []string {
	var bad []string
	for _, f := range files {
		from := strings.TrimSuffix(module+"/"+f.Dir(), "/.")
		for _, spec := range f.AST.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser has refused it already
			}
			for _, r := range rules {
				if r.forbids(from, to, f.Test) {
					bad = append(bad, fmt.Sprintf("%s: %s imports %s: %s", f.At(spec), from, to, r.Because))
				}
			}
		}
	}
	return bad
}

func (r Rule) forbids(from, to string, test bool) bool {
	if test && !r.Tests {
		return false
	}
	return matches(r.From, from) && !matches(r.But, from) && matches(r.Never, to) && !matches(r.Allow, to)
}

func matches(patterns []string, pkg string) bool {
	for _, p := range patterns {
		tree, below := strings.CutSuffix(p, "/...")
		if p == "*" || p == pkg || below && (pkg == tree || strings.HasPrefix(pkg, tree+"/")) {
			return true
		}
	}
	return false
}
