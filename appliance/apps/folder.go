// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"archive/zip"
	"bytes"
	"fmt"

	"coopkit/recipes"
)

// pack makes a zip of a recipe's folder. A release keeps it, so that a newer
// binary with a newer catalogue still runs the release as it was.
func pack(r *recipes.Recipe) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	if err := w.AddFS(r.Files()); err != nil {
		return nil, fmt.Errorf("pack recipe: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack recipe: %w", err)
	}
	return buf.Bytes(), nil
}

// unpack reads what pack made.
func unpack(folder []byte) (*recipes.Recipe, error) {
	files, err := zip.NewReader(bytes.NewReader(folder), int64(len(folder)))
	if err != nil {
		return nil, fmt.Errorf("unpack recipe: %w", err)
	}
	return recipes.Load(files)
}
