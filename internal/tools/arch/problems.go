// SPDX-License-Identifier: AGPL-3.0-or-later

package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Text is a string of the source: Parts that are only known when it happens
// read "…".
type Text string

// Problem is one problem.Problem literal of the source that says what happened.
type Problem struct {
	Code, Kind string
	What, Why  Text
	Next       []Text
	At         string // path:line
}

// copied stands for the code of a Problem that is made again from another one.
const copied = "(copied)"

var slug = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Problems finds every problem.Problem literal outside of tests. The second
// result has one line for each that breaks a rule: a code is a constant slug, a
// Problem says what happened and what to do next, and a literal that only
// names a code (to compare with errors.Is) names one that exists.
func Problems(files []File) ([]Problem, []string) {
	var found []Problem
	var bad []string
	named := map[string]string{}
	consts := constants(files)
	for _, f := range files {
		if f.Test || strings.HasSuffix(f.Dir(), "test") {
			continue
		}
		later := setsNext(f)
		ast.Inspect(f.AST, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || !isProblem(f, lit.Type) || len(lit.Elts) == 0 {
				return true
			}
			p := read(f, lit, consts[f.Dir()])
			switch {
			case p.Code == copied: // another literal's, come over a wire
			case !slug.MatchString(p.Code):
				bad = append(bad, p.At+": the Code of a Problem is a slug written out, or a constant of its package")
			case len(lit.Elts) == 1:
				named[p.At] = p.Code
			case p.What == "" || len(p.Next) == 0 && !later:
				bad = append(bad, p.At+": a Problem says What happened and what to do Next")
			default:
				found = append(found, p)
			}
			return true
		})
	}
	slices.SortStableFunc(found, func(a, b Problem) int { return strings.Compare(a.Code, b.Code) })
	for at, code := range named {
		if !slices.ContainsFunc(found, func(p Problem) bool { return p.Code == code }) {
			bad = append(bad, fmt.Sprintf("%s: no Problem has the code %q", at, code))
		}
	}
	slices.Sort(bad)
	return found, bad
}

// setsNext reports whether something in the file fills in Next after the
// literal, as where the log of a service belongs to what to do.
func setsNext(f File) bool {
	set := false
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok {
			for _, left := range a.Lhs {
				s, ok := left.(*ast.SelectorExpr)
				set = set || ok && s.Sel.Name == "Next"
			}
		}
		return !set
	})
	return set
}

// isProblem reports whether a literal's type is problem.Problem, or Problem in
// package problem itself.
func isProblem(f File, t ast.Expr) bool {
	switch t := t.(type) {
	case *ast.SelectorExpr:
		pkg, ok := t.X.(*ast.Ident)
		return ok && pkg.Name == "problem" && t.Sel.Name == "Problem"
	case *ast.Ident:
		return f.AST.Name.Name == "problem" && t.Name == "Problem"
	}
	return false
}

// constants returns the string constants of each folder by name.
func constants(files []File) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, f := range files {
		if all[f.Dir()] == nil {
			all[f.Dir()] = map[string]string{}
		}
		for _, d := range f.AST.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.CONST {
				continue
			}
			for _, s := range gen.Specs {
				v := s.(*ast.ValueSpec)
				for i, value := range v.Values {
					if text, ok := literal(value); ok {
						all[f.Dir()][v.Names[i].Name] = text
					}
				}
			}
		}
	}
	return all
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

func read(f File, lit *ast.CompositeLit, consts map[string]string) Problem {
	p := Problem{At: f.At(lit)}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, ok := kv.Key.(*ast.Ident)
		if !ok {
			continue
		}
		switch key.Name {
		case "Code":
			p.Code = string(text(kv.Value, consts))
			if s, ok := kv.Value.(*ast.SelectorExpr); ok && s.Sel.Name == "Code" {
				p.Code = copied
			}
		case "Kind":
			p.Kind = kind(kv.Value)
		case "What":
			p.What = text(kv.Value, consts)
		case "Why":
			p.Why = text(kv.Value, consts)
		case "Next":
			p.Next = list(kv.Value, consts)
		}
	}
	return p
}

func kind(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		return s.Sel.Name
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// list reads a []string literal; anything else is one unknown text.
func list(e ast.Expr, consts map[string]string) []Text {
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return []Text{"…"}
	}
	var texts []Text
	for _, item := range lit.Elts {
		texts = append(texts, text(item, consts))
	}
	return texts
}

var verb = regexp.MustCompile(`%[-+# 0]*[0-9]*(\.[0-9]+)?[a-zA-Z]`)

// text reads a string expression as far as it is known from the source alone.
func text(e ast.Expr, consts map[string]string) Text {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, ok := literal(e); ok {
			return Text(s)
		}
	case *ast.Ident:
		if s, ok := consts[e.Name]; ok {
			return Text(s)
		}
	case *ast.ParenExpr:
		return text(e.X, consts)
	case *ast.BinaryExpr:
		return Text(strings.ReplaceAll(string(text(e.X, consts)+text(e.Y, consts)), "……", "…"))
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return Text(verb.ReplaceAllString(string(text(e.Args[0], consts)), "…"))
		}
	}
	return "…"
}
