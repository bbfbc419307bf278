// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"maps"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/problem"
)

// seeds adds the catalogue's own file and the mistakes of the lint test.
func seeds(f *testing.F, file string) {
	f.Helper()
	for _, name := range []string{"wordpress", "dokuwiki", "radicale"} {
		f.Add(good(f, name)[file].Data)
	}
	for _, text := range []string{
		"", "---", "- a\n- b", "a: &x [1]\nb: *x", "a: {b: {c: ${X}}}", "<<: {}", "? [a]\n: b", "a: !!binary x", "a: |\n  b\n c", "\xff\xfe", "a: .inf",
		"services: null", "services: {app: null}", "services: {app: []}", "services: {app: {image: [x], volumes: x, depends_on: 1, configs: {a: b}}}", "web: 1",
	} {
		f.Add([]byte(text))
	}
}

func FuzzRecipe(f *testing.F) {
	seeds(f, recipeFile)
	rest := good(f, "wordpress")
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := maps.Clone(rest)
		fsys[recipeFile] = &fstest.MapFile{Data: data}
		loadAndRender(t, fsys)
	})
}

func FuzzCompose(f *testing.F) {
	seeds(f, composeFile)
	rest := good(f, "wordpress")
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := maps.Clone(rest)
		fsys[composeFile] = &fstest.MapFile{Data: data}
		loadAndRender(t, fsys)
	})
}

// loadAndRender: Load and Lint agree; what loads renders twice to the same
// project, in which nothing reaches the host.
func loadAndRender(t *testing.T, fsys fstest.MapFS) {
	t.Helper()
	found, err := Lint(fsys)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Load(fsys)
	if (err == nil) != (len(found) == 0) {
		t.Fatalf("Load gave %v, Lint %v", err, found)
	}
	if err != nil {
		if !errors.Is(err, &problem.Problem{Code: "recipe-invalid"}) {
			t.Fatalf("not a Problem: %v", err)
		}
		return
	}
	vars := exampleVars(r)
	one, err := r.Render(vars)
	if err != nil {
		t.Fatalf("a recipe without mistakes does not render: %v", err)
	}
	two, err := r.Render(vars)
	if diff := cmp.Diff(one, two); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	for _, s := range one.Services {
		for _, m := range s.Mounts {
			if !serviceName.MatchString(m.Volume) || m.Target == "" || m.Target[0] != '/' {
				t.Fatalf("mount %+v", m)
			}
		}
		for _, c := range s.CapAdd {
			if len(c) == 0 || c == "ALL" || c == "SYS_ADMIN" {
				t.Fatalf("capability %q", c)
			}
		}
		if s.MemoryBytes <= 0 {
			t.Fatalf("service %s has no memory limit", s.Name)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"", "${HOST}", "$$", "$", "${HOST", "${A:-b}", "$$${HOST}$$", "${SECRET_X_1}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		vars := Vars{"HOST": "h$", "A": ""}
		got, err := Expand(s, vars)
		names, ok := references(s)
		for _, name := range names {
			_, known := vars[name]
			ok = ok && known
		}
		if ok != (err == nil) {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && len(names) == 0 {
			// Without variables, doubling every dollar sign again gives s back.
			if back, err := Expand(escape(got), nil); err != nil || back != got {
				t.Fatalf("%q gave %q, then %q, %v", s, got, back, err)
			}
		}
	})
}

func escape(s string) string {
	out := ""
	for i := range len(s) {
		if s[i] == '$' {
			out += "$"
		}
		out += s[i : i+1]
	}
	return out
}
