// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync"

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

// shelf keeps recipes that were unpacked, by the hash of their folder: a release
// never changes, and reading one is needed at every look.
type shelf struct {
	mu   sync.Mutex
	read map[[sha256.Size]byte]*recipes.Recipe
}

// recipe returns the recipe in a folder that pack made.
func (s *shelf) recipe(folder []byte) (*recipes.Recipe, error) {
	key := sha256.Sum256(folder)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.read[key]; ok {
		return r, nil
	}
	r, err := unpack(folder)
	if err != nil {
		return nil, err
	}
	if s.read == nil {
		s.read = map[[sha256.Size]byte]*recipes.Recipe{}
	}
	s.read[key] = r
	return r, nil
}

func unpack(folder []byte) (*recipes.Recipe, error) {
	files, err := zip.NewReader(bytes.NewReader(folder), int64(len(folder)))
	if err != nil {
		return nil, fmt.Errorf("unpack recipe: %w", err)
	}
	return recipes.Load(files)
}
