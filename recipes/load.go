// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"github.com/goccy/go-yaml"

	"coopkit/internal/problem"
)

//go:generate go test . -run UpToDate -update

const (
	recipeFile = "recipe.yaml"
	readmeFile = "README.md"
	iconFile   = "icon.svg"
)

// Load reads and checks the recipe in fsys, which is the recipe's folder. A
// recipe with any mistake is refused with a Problem "recipe-invalid" whose Next
// lists the first ones; Lint gives all of them.
func Load(fsys fs.FS) (*Recipe, error) {
	r, found, err := read(fsys)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		name := "in this folder"
		if r != nil {
			name = r.Name
		}
		return nil, Invalid(name, found)
	}
	return r, nil
}

// Open reads a recipe that was checked before it came here: one that comes with
// the binary, or one that a release keeps. It is not checked again: another
// program may have written it, and the schemas that a check takes are a megabyte
// of memory. So keys that this program does not know are ignored, and those that
// are not there have their zero value. A format that is newer than Format gives
// a Problem "recipe-newer".
func Open(fsys fs.FS) (*Recipe, error) {
	recipe, err := fs.ReadFile(fsys, recipeFile)
	if err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	r := &Recipe{files: fsys}
	if r.compose, err = fs.ReadFile(fsys, composeFile); err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	var head struct { // a newer format may give other keys another type
		Name   string `json:"name"`
		Format int    `json:"format"`
	}
	if err := yaml.Unmarshal(recipe, &head); err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	if head.Format > Format {
		return nil, newer(head.Name, head.Format)
	}
	if err := yaml.Unmarshal(recipe, r); err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	return r, nil
}

func newer(name string, format int) error {
	return &problem.Problem{
		Code: "recipe-newer", Kind: problem.Conflict,
		What: "the recipe " + name + " was written for a newer coopkit",
		Why:  fmt.Sprintf("it has the format %d, this program reads up to %d", format, Format),
		Next: []string{"install the newest coopkit", "coopkit version"},
		Args: map[string]string{"recipe": name},
	}
}

// Lint returns every mistake of the recipe in fsys, sorted by place; none means
// that Load succeeds. An error means that the folder could not be read at all.
func Lint(fsys fs.FS) ([]Issue, error) {
	_, found, err := read(fsys)
	return found, err
}

// read does what Load and Lint share. The recipe is nil when recipe.yaml could
// not be understood.
func read(fsys fs.FS) (*Recipe, []Issue, error) {
	l := &linter{fsys: fsys}
	files := map[string][]byte{}
	for _, name := range []string{recipeFile, composeFile, readmeFile, iconFile} {
		data, err := l.readFile(name)
		if err != nil {
			return nil, nil, err
		}
		files[name] = data
	}
	if data := files[recipeFile]; data != nil {
		if err := l.readRecipe(data); err != nil {
			return nil, nil, err
		}
	}
	if data := files[composeFile]; data != nil {
		l.readCompose(data)
	}
	if l.recipe != nil {
		l.recipe.files, l.recipe.compose = fsys, files[composeFile]
		l.checkRecipe()
		l.checkImages()
	}
	if l.compose != nil {
		l.checkCompose()
	}
	l.checkReadme(files[readmeFile])
	l.checkIcon(files[iconFile])
	if len(l.issues) == 0 {
		l.checkRendered()
	}
	l.issues.sort()
	return l.recipe, l.issues, nil
}

// linter checks one recipe. The fields are nil while unknown or unreadable.
type linter struct {
	fsys    fs.FS
	issues  issues
	recipe  *Recipe
	doc     *node // recipe.yaml
	compose *node // compose.yaml
}

// readFile returns a file's content, or nil after it added an issue.
func (l *linter) readFile(name string) ([]byte, error) {
	f, err := l.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		l.issues.add(name, nil, "file-missing", "the recipe has no "+name, "add it; docs/how-to/write-a-recipe.md says what belongs in it")
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxFileBytes {
		l.issues.add(name, nil, "file-too-large", name+" is larger than 256 KiB", "make it smaller")
		return nil, nil
	}
	return data, nil
}

func (l *linter) readRecipe(data []byte) error {
	root, found := parseYAML(recipeFile, data)
	l.issues = append(l.issues, found...)
	if root == nil || len(found) > 0 {
		return nil
	}
	if n := root.fields["format"]; n != nil {
		if format, err := strconv.Atoi(n.text()); err == nil && format > Format {
			l.issues.add(recipeFile, n, "format-newer", fmt.Sprintf("the format %d is newer than this program", format),
				fmt.Sprintf("install the newest coopkit, or write for format %d", Format))
			return nil
		}
	}
	s, err := schema()
	if err != nil {
		return err
	}
	before := len(l.issues)
	s.validate(recipeFile, root, &l.issues)
	if len(l.issues) > before {
		return nil
	}
	r := &Recipe{}
	if err := yaml.UnmarshalWithOptions(data, r, yaml.Strict()); err != nil {
		l.issues.add(recipeFile, root, "yaml-syntax", "the file cannot be read: "+err.Error(), "correct the value")
		return nil
	}
	l.recipe, l.doc = r, root
	return nil
}

func (l *linter) readCompose(data []byte) {
	root, found := parseYAML(composeFile, data)
	l.issues = append(l.issues, found...)
	if len(found) == 0 {
		l.compose = root
	}
}

// checkRendered is the last check of a recipe without mistakes: compose-go
// must accept compose.yaml too.
func (l *linter) checkRendered() {
	vars := Vars{}
	for _, name := range l.recipe.known() {
		vars[name] = "x"
	}
	if _, err := composeProject(l.compose, vars, true); err != nil {
		l.issues.add(composeFile, l.compose, "compose-invalid", problem.From(err, "").Why, "correct it as the Compose Specification says")
	}
}
