// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/problem"
)

// stored is a copy of a recipe as a release keeps it, which a test may change.
func stored(t *testing.T, name string) (*Recipe, fstest.MapFS) {
	t.Helper()
	r, err := Embedded().Find(name)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range []string{recipeFile, composeFile, readmeFile, iconFile} {
		data, err := fs.ReadFile(r.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return r, files
}

// edit replaces text that must be there.
func edit(t *testing.T, files fstest.MapFS, file, from, to string) {
	t.Helper()
	before := string(files[file].Data)
	if !strings.Contains(before, from) {
		t.Fatalf("%s does not have %q", file, from)
	}
	files[file].Data = []byte(strings.Replace(before, from, to, 1))
}

// TestOpen_readsWhatAnotherProgramKept: a release keeps its recipe, and programs
// before and after the one that recorded it run it all the same.
func TestOpen_readsWhatAnotherProgramKept(t *testing.T) {
	r, files := stored(t, "dokuwiki")
	edit(t, files, recipeFile, "\nweb:", "\nbackup_hint: {nightly: true}\nweb:")
	edit(t, files, recipeFile, "\nneeds:\n", "\nneeds:\n  bandwidth_mib: 3\n")
	edit(t, files, composeFile, "services:\n", "x-later: {a: b}\nservices:\n")
	edit(t, files, composeFile, "    mem_limit:", "    later_key: 1\n    mem_limit:")
	if found, err := Lint(files); err != nil || len(found) == 0 {
		t.Errorf("the linter lets keys pass that nobody knows: %v, %v", found, err)
	}
	got, err := Open(files)
	if err != nil {
		t.Fatal(err)
	}
	was, wasErr := r.Render(exampleVars(r))
	is, isErr := got.Render(exampleVars(got))
	if diff := cmp.Diff(was, is); diff != "" || errors.Join(wasErr, isErr) != nil {
		t.Errorf("%v, %v (-was +is):\n%s", wasErr, isErr, diff)
	}
	if diff := cmp.Diff(r.Health, got.Health); diff != "" || got.Needs.MemoryMiB != r.Needs.MemoryMiB || got.Format != 0 {
		t.Errorf("read as %+v: %s", got, diff)
	}
}

func TestOpen_missingKeysAreZero(t *testing.T) {
	_, files := stored(t, "dokuwiki")
	files[recipeFile].Data = []byte("name: dokuwiki\nversion: 1.0.0-1\n")
	r, err := Open(files)
	if err != nil || r.Name != "dokuwiki" || len(r.Web) != 0 || r.FirstAccount.None {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOpen_refusesANewerFormat(t *testing.T) {
	_, files := stored(t, "dokuwiki")
	files[recipeFile].Data = []byte("format: 2\nname: dokuwiki\nhealth: [a, list, by, then]\n")
	_, err := Open(files)
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != "recipe-newer" || !strings.Contains(p.Why, "2") {
		t.Errorf("got %v; want the problem recipe-newer", err)
	}
	found, err := Lint(files)
	if err != nil || len(found) != 1 || found[0].Code != "format-newer" {
		t.Errorf("the linter says %v, %v; want format-newer alone", found, err)
	}
}
