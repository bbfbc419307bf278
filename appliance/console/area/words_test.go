// SPDX-License-Identifier: AGPL-3.0-or-later

package area_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/webkit"
)

// sources are where plans and jobs are made.
var sources = []string{"apps", "sites", "names", "agent", "support", "engine"}

// words are what the sources say in plans and jobs.
type words struct {
	kinds, jobs, steps map[string]bool
	lines              map[string]bool // "verb.kind"
}

func read(t *testing.T) words {
	t.Helper()
	w := words{kinds: map[string]bool{}, jobs: map[string]bool{}, steps: map[string]bool{}, lines: map[string]bool{}}
	for _, folder := range append(sources, "../dns") {
		files, err := filepath.Glob(filepath.Join("../..", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources in %s: %v", folder, err)
		}
		consts := map[string]string{}
		var trees []*ast.File
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			trees = append(trees, tree)
			ast.Inspect(tree, func(n ast.Node) bool {
				if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
					for i, name := range v.Names {
						consts[name.Name] = literal(v.Values[i], nil)
					}
				}
				return true
			})
		}
		for _, tree := range trees {
			for _, d := range tree.Decls {
				if f, ok := d.(*ast.FuncDecl); ok {
					w.function(f, consts)
				}
			}
		}
	}
	return w
}

// function collects the words of one function: plan lines, plans, steps.
func (w words) function(f *ast.FuncDecl, consts map[string]string) {
	var later, things []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if verb, what := field(n, "Verb", consts), field(n, "Thing", consts); what != "" {
				things = append(things, what)
				if verb != "" {
					for text := range strings.SplitSeq(what, "\n") {
						w.lines[verb+"."+thing(text)] = true
					}
				}
			}
			if has(n, "WayBack") && has(n, "Subject") {
				w.kinds[field(n, "Kind", consts)] = true
			}
			if has(n, "Name") && has(n, "Title") && has(n, "Do") {
				w.steps[field(n, "Name", consts)] = true
			}
		case *ast.AssignStmt:
			for i := range min(len(n.Lhs), len(n.Rhs)) {
				switch to := n.Lhs[i].(type) {
				case *ast.Ident: // how := "certificates …", used as a thing below: every text that it may have
					if text := literal(n.Rhs[i], nil); text != "" && n.Tok == token.ASSIGN {
						consts[to.Name] += "\n" + text
					} else if text != "" {
						consts[to.Name] = text
					}
				case *ast.SelectorExpr: // l.Verb, l.From = "change", …
					if to.Sel.Name == "Verb" {
						later = append(later, literal(n.Rhs[i], consts))
					}
				}
			}
		case *ast.CallExpr:
			w.call(n, consts)
			if isIdent(n.Fun, "send") && len(n.Args) == 1 {
				w.lines["send."+thing(literal(n.Args[0], consts))] = true
			}
		}
		return true
	})
	for _, verb := range later {
		for _, what := range things {
			w.lines[verb+"."+thing(what)] = true
		}
	}
}

// call collects the kinds of jobs that are started or registered.
func (w words) call(c *ast.CallExpr, consts map[string]string) {
	var kind ast.Expr
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr: // b.jobs.Register("add-name", …)
		if f.Sel.Name == "Register" && len(c.Args) == 2 {
			kind = c.Args[0]
		}
	case *ast.Ident: // register(jobs, "add", …)
		if f.Name == "register" && len(c.Args) == 3 {
			kind = c.Args[1]
		}
	}
	if kind != nil && literal(kind, consts) != "" {
		w.jobs[literal(kind, consts)] = true
	}
}

func has(c *ast.CompositeLit, name string) bool {
	return slices.ContainsFunc(c.Elts, func(e ast.Expr) bool {
		kv, ok := e.(*ast.KeyValueExpr)
		return ok && isIdent(kv.Key, name)
	})
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func field(c *ast.CompositeLit, name string, consts map[string]string) string {
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && isIdent(kv.Key, name) {
			return literal(kv.Value, consts)
		}
	}
	return ""
}

// literal is how the text of an expression begins, as far as it is written out.
// What comes before " record " is a record's type.
func literal(e ast.Expr, consts map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err != nil {
			return ""
		}
		return s
	case *ast.BinaryExpr:
		if right := literal(e.Y, consts); right == " record " {
			return "A record "
		}
		return literal(e.X, consts)
	case *ast.CallExpr:
		if isIdent(e.Fun, "thing") {
			return "A record " // dns.thing
		}
		if s, ok := e.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Sprintf" {
			return literal(e.Args[0], consts)
		}
	case *ast.Ident:
		return consts[e.Name]
	case *ast.SelectorExpr: // sites.KindPush
		return map[string]string{"KindPush": "publish", "KindRollback": "rollback-site", "KindRemove": "remove-site"}[e.Sel.Name]
	}
	return ""
}

var firstWord = regexp.MustCompile(`^[a-z]+`)

func thing(s string) string {
	if strings.Contains(s, " record") {
		return "record"
	}
	return firstWord.FindString(s)
}

func bundle(t *testing.T) *locale.Bundle {
	t.Helper()
	b, err := locale.New(area.Files())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// known reports every key that a language lacks.
func known(t *testing.T, b *locale.Bundle, what string, keys ...string) {
	t.Helper()
	for _, lang := range locale.Langs() {
		if !slices.ContainsFunc(keys, func(k string) bool { return b.Forms(lang, k) != nil }) {
			t.Errorf("%s has no words in %s: %s", what, lang, keys[0])
		}
	}
}

func TestWords_coverAllThatPlansAndJobsSay(t *testing.T) {
	w, b := read(t), bundle(t)
	if len(w.kinds) < 6 || len(w.jobs) < 12 || len(w.steps) < 20 || len(w.lines) < 25 {
		t.Fatalf("found only %d kinds of plan, %d of job, %d steps, %d lines: %v", len(w.kinds), len(w.jobs), len(w.steps), len(w.lines), w)
	}
	for kind := range w.kinds {
		known(t, b, "the way back of a plan", "area.wayback."+kind)
	}
	for kind := range w.jobs {
		for _, s := range []appliance.JobState{appliance.JobRunning, appliance.JobDone, appliance.JobUndone, appliance.JobFailed} {
			known(t, b, "a job", "area.job."+kind+"."+string(s))
		}
	}
	for step := range w.steps {
		if step == "" || step == "start-" { // by a parameter: start, stop; by the service
			step = "start"
		}
		known(t, b, "a step", "area.step."+step)
	}
	for line := range w.lines {
		verb, _, _ := strings.Cut(line, ".")
		known(t, b, "a plan's line", "area.plan."+line)
		known(t, b, "a plan's verb", "area.verb."+verb)
	}
}

func TestMessages(t *testing.T) {
	prefixes := []string{
		"area.plan.", "area.notice.", "area.verb.", "area.wayback.", "area.note.", "area.job.", "area.jobstate.", "area.step.", "area.stepstate.",
	}
	ui, err := webkit.New(webkit.Config{Name: "console", Messages: []fs.FS{area.Files()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, ui.Bundle(), []string{"."}, append(prefixes, "webkit.", "area.finding.", "finding.", "problem.")...)
}
