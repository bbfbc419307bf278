// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"coopkit/internal/problem"
)

//go:embed all:catalogue
var embedded embed.FS

// Catalogue is a set of recipes by name. It does not change once made.
type Catalogue struct {
	recipes []*Recipe        // sorted by name
	broken  map[string]error // by folder: why it could not be read; Find returns it
}

// Embedded returns the recipes that come with the binary. Its tests lint every
// one of them, so a failure here is a broken build.
var Embedded = sync.OnceValue(func() *Catalogue { return OpenCatalogue(embedded, "catalogue") })

// OpenCatalogue opens every folder below dir of fsys as a recipe, as it is. One
// that cannot be read takes no other one down: Broken says why, and so does
// Find.
func OpenCatalogue(fsys fs.FS, dir string) *Catalogue { return catalogue(fsys, dir, Open) }

// LoadCatalogue loads every folder below dir of fsys as a recipe, and lints it.
// The folder's name must be the recipe's.
func LoadCatalogue(fsys fs.FS, dir string) (*Catalogue, error) {
	c := catalogue(fsys, dir, Load)
	for _, name := range slices.Sorted(maps.Keys(c.broken)) {
		return nil, c.broken[name]
	}
	return c, nil
}

func catalogue(fsys fs.FS, dir string, read func(fs.FS) (*Recipe, error)) *Catalogue {
	c := &Catalogue{broken: map[string]error{}}
	folders, err := fs.ReadDir(fsys, dir)
	if err != nil {
		c.broken[dir] = fmt.Errorf("read catalogue: %w", err)
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		if r, err := readFolder(fsys, dir, folder.Name(), read); err != nil {
			c.broken[folder.Name()] = err
		} else {
			c.recipes = append(c.recipes, r)
		}
	}
	return c
}

func readFolder(fsys fs.FS, dir, name string, read func(fs.FS) (*Recipe, error)) (*Recipe, error) {
	sub, err := fs.Sub(fsys, dir+"/"+name)
	if err != nil {
		return nil, fmt.Errorf("open recipe %s: %w", name, err)
	}
	r, err := read(sub)
	if err == nil && r.Name != name {
		err = &problem.Problem{
			Code: "recipe-folder", Kind: problem.Invalid,
			What: "the folder " + name + " holds a recipe named " + r.Name,
			Next: []string{"rename the folder or the recipe so that both are the same"},
		}
	}
	return r, err
}

// Broken returns the folders of the catalogue that cannot be read, and why.
func (c *Catalogue) Broken() map[string]error { return maps.Clone(c.broken) }

// All returns the recipes, sorted by name.
func (c *Catalogue) All() []*Recipe { return append([]*Recipe(nil), c.recipes...) }

// Find returns the recipe of that name. The error is a Problem
// "recipe-unknown" that suggests the nearest name.
func (c *Catalogue) Find(name string) (*Recipe, error) {
	if err := c.broken[name]; err != nil {
		return nil, err
	}
	names := make([]string, len(c.recipes))
	for i, r := range c.recipes {
		if r.Name == name {
			return r, nil
		}
		names[i] = r.Name
	}
	return nil, &problem.Problem{
		Code: "recipe-unknown", Kind: problem.NotFound,
		What: fmt.Sprintf("there is no recipe %q%s", name, didYouMean(name, names)),
		Next: []string{"coopkit recipe list"},
		Args: map[string]string{"name": name},
	}
}
