// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"coopkit/appliance/engine"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// fileGroup is files that go into the container in one copy, below root.
type fileGroup struct {
	root  string
	files []recipes.File
}

// fileGroups gathers a service's files: all below "/", or by folder when the
// container is read-only and each folder is a volume of its own.
func fileGroups(s engine.Service) ([]fileGroup, error) {
	byRoot := map[string][]recipes.File{}
	for _, f := range s.Files {
		if !path.IsAbs(f.Target) || path.Clean(f.Target) != f.Target || path.Dir(f.Target) == "/" && s.ReadOnly {
			return nil, &problem.Problem{
				Code: "file-target-invalid", Kind: problem.Invalid,
				What: fmt.Sprintf("the file %s of %s cannot be put into its container", f.Target, s.Name),
				Why:  "its path is not absolute and plain, or it lies at the root of a read-only container",
				Next: []string{"choose a path such as /run/secrets/name", "coopkit recipe lint"},
			}
		}
		root := "/"
		if s.ReadOnly {
			root = path.Dir(f.Target)
		}
		byRoot[root] = append(byRoot[root], f)
	}
	var out []fileGroup
	for _, root := range slices.Sorted(maps.Keys(byRoot)) {
		out = append(out, fileGroup{root, byRoot[root]})
	}
	return out, nil
}

// tar makes the stream that the engine unpacks at root. It makes missing
// folders itself; naming them here would change the mode of existing ones.
func (g fileGroup) tar() (io.Reader, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range g.files {
		mode := int64(f.Mode)
		if mode == 0 {
			mode = 0o444
		}
		name := strings.TrimPrefix(strings.TrimPrefix(f.Target, g.root), "/")
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(f.Content))}); err != nil {
			return nil, fmt.Errorf("pack file: %w", err)
		}
		if _, err := w.Write(f.Content); err != nil {
			return nil, fmt.Errorf("pack file: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack files: %w", err)
	}
	return &buf, nil
}
