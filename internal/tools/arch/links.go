// SPDX-License-Identifier: AGPL-3.0-or-later

package arch

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

var (
	mdLink  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdFence = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```")
)

// Links returns one line for each relative link of a Markdown page that leads
// nowhere, and for each page of docs that the index docs/README.md does not
// lead to, directly or over other pages.
func Links(fsys fs.FS, docs string) ([]string, error) {
	var bad, pages []string
	to := map[string][]string{}
	err := walk(fsys, func(name string) error {
		if path.Ext(name) != ".md" {
			return nil
		}
		pages = append(pages, name)
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		for _, m := range mdLink.FindAllSubmatch(mdFence.ReplaceAll(text, nil), -1) {
			target, _, _ := strings.Cut(string(m[1]), "#")
			if target == "" || strings.Contains(target, ":") {
				continue
			}
			target = path.Join(path.Dir(name), target)
			to[name] = append(to[name], target)
			if _, err := fs.Stat(fsys, target); err != nil {
				bad = append(bad, fmt.Sprintf("%s: the link to %s leads nowhere", name, m[1]))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	reached := map[string]bool{}
	follow(to, path.Join(docs, "README.md"), reached)
	for _, p := range pages {
		if strings.HasPrefix(p, docs+"/") && !reached[p] {
			bad = append(bad, fmt.Sprintf("%s: no link leads to it from %s/README.md", p, docs))
		}
	}
	return bad, nil
}

func follow(to map[string][]string, page string, reached map[string]bool) {
	if reached[page] {
		return
	}
	reached[page] = true
	for _, next := range to[page] {
		follow(to, next, reached)
	}
}
