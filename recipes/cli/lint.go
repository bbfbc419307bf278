// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"coopkit/internal/problem"
	"coopkit/internal/term"
	"coopkit/recipes"
)

func newLint(o *Options) *cobra.Command {
	return &cobra.Command{
		Use:   "lint DIR...",
		Short: "Check the recipes in these folders",
		Long: "Checks recipe.yaml, compose.yaml, README.md, icon.svg and debian/ of each folder\n" +
			"and prints every mistake with its place and what to do. Needs no agent.\n\n" +
			"Exit codes: 0 no mistakes, 1 mistakes, 2 wrong use.",
		Example: "  coopkit recipe lint ./recipes/catalogue/*",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, dirs []string) error {
			return o.lint(dirs)
		},
	}
}

func (o *Options) lint(dirs []string) error {
	all := []recipes.Issue{}
	for _, dir := range dirs {
		found, err := lintFolder(dir)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	err := o.Show(all, func() error {
		for _, issue := range all {
			if err := o.Say("%s\n", issue); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(all) > 0 {
		return &problem.Problem{
			Code: "recipe-mistakes", Kind: problem.Failed,
			What: fmt.Sprintf("found %s in %s", term.Count(len(all), "mistake"), term.Count(len(dirs), "folder")),
			Next: []string{"correct them as each line says, then run coopkit recipe lint again"},
		}
	}
	return o.Say("no mistakes in %s\n", term.Count(len(dirs), "folder"))
}

// lintFolder returns the mistakes with their files' paths from here.
func lintFolder(dir string) ([]recipes.Issue, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		why := "it cannot be opened"
		if errors.Is(err, fs.ErrNotExist) {
			why = "it is not there"
		}
		return nil, &problem.Problem{
			Code: "recipe-folder-unreadable", Kind: problem.NotFound,
			What: "the folder " + dir + " cannot be checked", Why: why,
			Next: []string{"give the folder that holds recipe.yaml"}, Err: err,
		}
	}
	defer func() { _ = root.Close() }()
	found, err := recipes.Lint(root.FS())
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", dir, err)
	}
	for i := range found {
		found[i].File = filepath.Join(dir, found[i].File)
	}
	return found, nil
}
