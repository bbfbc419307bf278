// SPDX-License-Identifier: AGPL-3.0-or-later

// Package arch holds the rules of this repository as code: who may import
// whom, what every file and package must say of itself, that every problem and
// every page is documented. It reads source text only and knows nothing of
// what the code does. Its tests show each rule a small bad input; the test at
// the module's root runs all of them on the repository itself.
package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// File is one parsed Go file.
type File struct {
	Path string // with slashes, from the module's root
	Test bool
	AST  *ast.File
	Set  *token.FileSet
}

// Dir returns the folder of the file; "." is the module's root.
func (f File) Dir() string { return path.Dir(f.Path) }

// At returns "path:line" of a node.
func (f File) At(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.Path, f.Set.Position(n.Pos()).Line)
}

// walk calls each for every file of the repository but what git ignores and
// what tests keep as data.
func walk(fsys fs.FS, each func(name string) error) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if !d.IsDir() {
			return each(name)
		}
		hidden := strings.HasPrefix(base, ".") && name != "." && base != ".ci"
		if hidden || name == "bin" || base == "testdata" {
			return fs.SkipDir
		}
		return nil
	})
}

// Parse reads every Go file of the module.
func Parse(fsys fs.FS) ([]File, error) {
	var files []File
	set := token.NewFileSet()
	err := walk(fsys, func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(set, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse: %w", err)
		}
		files = append(files, File{Path: name, Test: strings.HasSuffix(name, "_test.go"), AST: tree, Set: set})
		return nil
	})
	return files, err
}

// byDir groups files by folder, folders in order.
func byDir(files []File) ([]string, map[string][]File) {
	groups := map[string][]File{}
	for _, f := range files {
		groups[f.Dir()] = append(groups[f.Dir()], f)
	}
	dirs := make([]string, 0, len(groups))
	for d := range groups {
		dirs = append(dirs, d)
	}
	slices.Sort(dirs)
	return dirs, groups
}
