// SPDX-License-Identifier: AGPL-3.0-or-later

package arch

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const header = "// " + Licence + "\n\n"

func repo(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func parse(t *testing.T, files map[string]string) []File {
	t.Helper()
	parsed, err := Parse(repo(files))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParse(t *testing.T) {
	files := parse(t, map[string]string{
		"a/a.go": "package a", "a/testdata/bad.go": "not go", ".cache/x.go": "not go", "bin/x.go": "not go",
	})
	if len(files) != 1 || files[0].Path != "a/a.go" {
		t.Errorf("got %v", files)
	}
	if _, err := Parse(repo(map[string]string{"a.go": "not go"})); err == nil {
		t.Error("took a file that is not Go")
	}
}

func TestImports(t *testing.T) {
	rules := []Rule{
		{From: []string{"m/dns/..."}, Never: []string{"m/box/..."}, Allow: []string{"m/box/words"}, Because: "dns stands alone"},
		{From: []string{"*"}, But: []string{"m/box"}, Never: []string{"example/docker/..."}, Tests: true, Because: "one adapter"},
	}
	got := Imports("m", parse(t, map[string]string{
		"dns/a.go":         "package dns\nimport _ \"m/box/store\"",
		"dns/server/b.go":  "package server\nimport (\n\t_ \"m/box/words\"\n\t_ \"m/box\"\n)",
		"dns/c_test.go":    "package dns\nimport _ \"m/box\"",
		"dnsother/d.go":    "package dnsother\nimport _ \"m/box\"",
		"box/e.go":         "package box\nimport _ \"example/docker/client\"",
		"other/f_test.go":  "package other\nimport _ \"example/docker\"",
		"other/g.go":       "package other\nimport _ \"example/dockerfile\"",
		"rootless_test.go": "package m\nimport _ \"fmt\"",
	}), rules)
	want := []string{
		"dns/a.go:2: m/dns imports m/box/store: dns stands alone",
		"dns/server/b.go:4: m/dns/server imports m/box: dns stands alone",
		"other/f_test.go:2: m/other imports example/docker: one adapter",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSources(t *testing.T) {
	got, err := Sources(repo(map[string]string{
		"good.go":             header + "package a",
		"good.sh":             "#!/bin/sh\n# " + Licence + "\n",
		"bare.go":             "package a",
		"late.yaml":           "a: 1\nb: 2\nc: 3\n# " + Licence,
		"x/debian/Dockerfile": "FROM scratch",
		".ci/run":             "#!/bin/sh",
		"picture.svg":         "<svg/>",
		"long.go":             header + "package a\n" + strings.Repeat("\n", maxLines),
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`.ci/run: the first lines do not say "` + Licence + `"`,
		`bare.go: the first lines do not say "` + Licence + `"`,
		`late.yaml: the first lines do not say "` + Licence + `"`,
		`long.go: 403 lines; split it by idea, at most 400`,
		`x/debian/Dockerfile: the first lines do not say "` + Licence + `"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPackageComments(t *testing.T) {
	got := PackageComments(parse(t, map[string]string{
		"good/a.go":      "// Package good owns a thing. Its tests are tables.\npackage good",
		"good/b.go":      "package good",
		"cmd/x/main.go":  "// Command x does it. Its tests are scripts.\npackage main",
		"bare/a.go":      header + "package bare",
		"wrong/a.go":     "// This has tests.\npackage wrong",
		"silent/a.go":    "// Package silent owns a thing.\npackage silent",
		"only/a_test.go": "package only",
	}))
	want := []string{
		"bare: no package comment",
		"silent: the package comment does not say how the package is tested",
		`wrong: the package comment does not begin with "Package wrong "`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCatalogue(t *testing.T) {
	got, err := Catalogue(repo(map[string]string{
		"c/full/recipe.yaml": "", "c/full/compose.yaml": "", "c/full/README.md": "", "c/full/icon.svg": "",
		"c/half/recipe.yaml": "", "c/half/compose.yaml": "", "c/half/README.md": "",
		"c/catalogue.go": "",
	}), "c")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c/half: the recipe has no icon.svg"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Catalogue(repo(nil), "nowhere"); err == nil {
		t.Error("found a catalogue that is not there")
	}
}

func TestLinks(t *testing.T) {
	got, err := Links(repo(map[string]string{
		"README.md":           "[docs](docs/README.md) [gone](docs/gone.md)",
		"docs/README.md":      "[a](a/one.md#part) [web](https://coopkit.example/x) [here](#here)\n```\n[not](a/link.md)\n```\n",
		"docs/a/one.md":       "[two](two.md) [up](../../README.md)",
		"docs/a/two.md":       "[folder](..)",
		"docs/a/forgotten.md": "[one](one.md)",
	}), "docs")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md: the link to docs/gone.md leads nowhere",
		"docs/a/forgotten.md: no link leads to it from docs/README.md",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
