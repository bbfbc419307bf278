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
	"coopkit/recipes"
)

func newLint(o *Options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lint DIR...",
		Short: "Check the recipes in these folders",
		Long: "Checks recipe.yaml, compose.yaml, README.md, icon.svg and debian/ of each folder\n" +
			"and prints every mistake with its place and what to do. Needs no agent.\n\n" +
			"Exit codes: 0 no mistakes, 1 mistakes, 2 wrong use.",
		Example: "  coopkit recipe lint ./recipes/catalogue/*",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, dirs []string) error {
			return o.lint(dirs, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (o *Options) lint(dirs []string, asJSON bool) error {
	all := []recipes.Issue{}
	for _, dir := range dirs {
		found, err := lintFolder(dir)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	if asJSON {
		if err := writeJSON(o.Out, all); err != nil {
			return err
		}
	} else {
		for _, issue := range all {
			_, _ = fmt.Fprintln(o.Out, issue)
		}
	}
	if len(all) > 0 {
		return &problem.Problem{
			Code: "recipe-mistakes", Kind: problem.Failed,
			What: fmt.Sprintf("found %s in %s", count(len(all), "mistake"), count(len(dirs), "folder")),
			Next: []string{"correct them as each line says, then run coopkit recipe lint again"},
		}
	}
	if !asJSON {
		_, _ = fmt.Fprintf(o.Out, "no mistakes in %s\n", count(len(dirs), "folder"))
	}
	return nil
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

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
