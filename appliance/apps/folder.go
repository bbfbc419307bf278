// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sync"

	"coopkit/appliance"
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

// shelf keeps recipes that were unpacked, by the release that keeps them: one
// never changes, and reading it is needed at every look.
type shelf struct {
	mu       sync.Mutex
	read     map[releaseID]*recipes.Recipe
	rendered map[appliance.InstallName]rendering
}

// releaseID tells releases apart, also those of an install that was removed and
// of another that got its name later.
type releaseID struct {
	install appliance.InstallName
	number  int
	created int64
}

// rendering is a recipe's project for one install, and what it was made of.
type rendering struct {
	recipe  *recipes.Recipe
	vars    recipes.Vars
	project *recipes.Project
}

// render returns the project of an install's recipe. The last one of each
// install is kept, because every look at an install needs it and making it
// takes milliseconds; callers do not change it.
func (s *shelf) render(name appliance.InstallName, r *recipes.Recipe, vars recipes.Vars) (*recipes.Project, error) {
	s.mu.Lock()
	last := s.rendered[name]
	s.mu.Unlock()
	if last.recipe == r && maps.Equal(last.vars, vars) {
		return last.project, nil
	}
	project, err := r.Render(vars)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rendered == nil {
		s.rendered = map[appliance.InstallName]rendering{}
	}
	s.rendered[name] = rendering{recipe: r, vars: vars, project: project}
	return project, nil
}

// forget drops what is kept of installs that are no more.
func (s *shelf) forget(there []appliance.Install) {
	gone := func(name appliance.InstallName) bool {
		return !slices.ContainsFunc(there, func(in appliance.Install) bool { return in.Name == name })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.rendered, func(name appliance.InstallName, _ rendering) bool { return gone(name) })
	maps.DeleteFunc(s.read, func(id releaseID, _ *recipes.Recipe) bool { return gone(id.install) })
}

// recipe returns the recipe that a release keeps; folder reads what pack made
// of it, when it is asked for the first time.
func (s *shelf) recipe(rel appliance.Release, folder func() ([]byte, error)) (*recipes.Recipe, error) {
	id := releaseID{rel.Install, rel.Number, rel.Created.UnixNano()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.read[id]; ok {
		return r, nil
	}
	packed, err := folder()
	if err != nil {
		return nil, err
	}
	r, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	if s.read == nil {
		s.read = map[releaseID]*recipes.Recipe{}
	}
	s.read[id] = r
	return r, nil
}

func unpack(folder []byte) (*recipes.Recipe, error) {
	files, err := zip.NewReader(bytes.NewReader(folder), int64(len(folder)))
	if err != nil {
		return nil, fmt.Errorf("unpack recipe: %w", err)
	}
	return recipes.Open(files)
}
