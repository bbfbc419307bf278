// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"embed"
	"fmt"
	"io/fs"
	"sync"

	"coopkit/internal/problem"
)

//go:embed all:catalogue
var embedded embed.FS

// Catalogue is a set of recipes by name. It does not change once made.
type Catalogue struct {
	recipes []*Recipe // sorted by name
	broken  error     // why it could not be read; Find returns it
}

// Embedded returns the recipes that come with the binary. Its tests lint every
// one of them, so a failure here is a broken build: then All is empty and Find
// returns the reason.
var Embedded = sync.OnceValue(func() *Catalogue {
	c, err := catalogue(embedded, "catalogue", Open)
	if err != nil {
		return &Catalogue{broken: err}
	}
	return c
})

// LoadCatalogue loads every folder below dir of fsys as a recipe. The folder's
// name must be the recipe's.
func LoadCatalogue(fsys fs.FS, dir string) (*Catalogue, error) { return catalogue(fsys, dir, Load) }

func catalogue(fsys fs.FS, dir string, read func(fs.FS) (*Recipe, error)) (*Catalogue, error) {
	folders, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	c := &Catalogue{}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		sub, err := fs.Sub(fsys, dir+"/"+folder.Name())
		if err != nil {
			return nil, fmt.Errorf("open recipe %s: %w", folder.Name(), err)
		}
		r, err := read(sub)
		if err != nil {
			return nil, err
		}
		if r.Name != folder.Name() {
			return nil, &problem.Problem{
				Code: "recipe-folder", Kind: problem.Invalid,
				What: "the folder " + folder.Name() + " holds a recipe named " + r.Name,
				Next: []string{"rename the folder or the recipe so that both are the same"},
			}
		}
		c.recipes = append(c.recipes, r)
	}
	return c, nil
}

// All returns the recipes, sorted by name.
func (c *Catalogue) All() []*Recipe { return append([]*Recipe(nil), c.recipes...) }

// Find returns the recipe of that name. The error is a Problem
// "recipe-unknown" that suggests the nearest name.
func (c *Catalogue) Find(name string) (*Recipe, error) {
	if c.broken != nil {
		return nil, c.broken
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
