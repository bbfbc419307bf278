// SPDX-License-Identifier: AGPL-3.0-or-later

package arch

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Licence is the line that every source file carries near its top.
const Licence = "SPDX-License-Identifier: AGPL-3.0-or-later"

// maxLines is the longest that a Go file may be.
const maxLines = 400

// source are the endings and names of files that carry the licence line.
// What is sent to people as it is (pages, styles, pictures) and JSON do not:
// LICENSE covers them.
var source = []string{".go", ".sh", ".yaml", ".yml", ".sql", ".js", ".mjs", "Dockerfile", "Makefile", "run"}

// Sources returns one line for each source file without the licence line in
// its first three lines, and for each Go file that is too long.
func Sources(fsys fs.FS) ([]string, error) {
	var bad []string
	err := walk(fsys, func(name string) error {
		if !slices.Contains(source, path.Ext(name)) && !slices.Contains(source, path.Base(name)) {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		lines := bytes.Split(text, []byte("\n"))
		if !bytes.Contains(bytes.Join(lines[:min(3, len(lines))], nil), []byte(Licence)) {
			bad = append(bad, fmt.Sprintf("%s: the first lines do not say %q", name, Licence))
		}
		if n := len(lines) - 1; path.Ext(name) == ".go" && n > maxLines {
			bad = append(bad, fmt.Sprintf("%s: %d lines; split it by idea, at most %d", name, n, maxLines))
		}
		return nil
	})
	return bad, err
}

// PackageComments returns one line for each package without a comment that
// begins as go doc wants it and says how the package is tested.
func PackageComments(files []File) []string {
	var bad []string
	dirs, groups := byDir(files)
	for _, dir := range dirs {
		var name, comment string
		for _, f := range groups[dir] {
			if f.Test {
				continue
			}
			name = f.AST.Name.Name
			if f.AST.Doc != nil {
				comment += f.AST.Doc.Text()
			}
		}
		begin := "Package " + name + " "
		if name == "main" {
			begin = "Command "
		}
		switch {
		case name == "": // tests alone
		case comment == "":
			bad = append(bad, dir+": no package comment")
		case !strings.HasPrefix(comment, begin):
			bad = append(bad, fmt.Sprintf("%s: the package comment does not begin with %q", dir, begin))
		case !strings.Contains(comment, "test") && !strings.Contains(comment, "fuzz"):
			bad = append(bad, dir+": the package comment does not say how the package is tested")
		}
	}
	return bad
}

// recipeFiles are what every folder of the catalogue has.
var recipeFiles = []string{"README.md", "compose.yaml", "icon.svg", "recipe.yaml"}

// Catalogue returns one line for each file that a recipe's folder lacks.
func Catalogue(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var bad []string
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		for _, name := range recipeFiles {
			if _, err := fs.Stat(fsys, path.Join(dir, e.Name(), name)); err != nil {
				bad = append(bad, fmt.Sprintf("%s: the recipe has no %s", path.Join(dir, e.Name()), name))
			}
		}
	}
	return bad, nil
}
