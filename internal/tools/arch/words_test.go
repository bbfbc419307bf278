// SPDX-License-Identifier: AGPL-3.0-or-later

package arch_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"coopkit/internal/tools/arch"
)

func TestWords_areRefusedInMessagesDocsAndComments(t *testing.T) {
	repo := fstest.MapFS{
		"terms.md":              {Data: []byte("| en | `can not`, `shall` | cannot |\n| es | `parar` | detener |\n| word | means |\n")},
		"docs/a.md":             {Data: []byte("It can\nnot be.")},
		"README.md":             {Data: []byte("It cannot be: Marshall parar.")},
		"a/messages/x.en.json":  {Data: []byte(`{"x.one": "You Shall.", "x.two": "parar"}`)},
		"a/messages/x.es.json":  {Data: []byte(`{"x.n": {"one": "Parar una", "other": "preparar"}}`)},
		"a/a.go":                {Data: []byte("package a\n\n// It can not be, shall it.\nvar s = \"shall\"\n")},
		"docs/notes/other.json": {Data: []byte(`not JSON that shall be read`)},
	}
	files, err := arch.Parse(repo)
	if err != nil {
		t.Fatal(err)
	}
	got, err := arch.Words(repo, files, "terms.md")
	if err != nil {
		t.Fatal(err)
	}
	const end = " is not said: docs/reference/terms.md has what is"
	want := []string{
		"a/a.go:3: “can not”" + end, "a/a.go:3: “shall”" + end, "a/messages/x.en.json x.one: “shall”" + end,
		"a/messages/x.es.json x.n: “parar”" + end, "docs/a.md: “can not”" + end,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := arch.Words(fstest.MapFS{"terms.md": {}}, nil, "terms.md"); err == nil {
		t.Error("a page without a list of words is fine")
	}
}
