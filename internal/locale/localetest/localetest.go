// SPDX-License-Identifier: AGPL-3.0-or-later

// Package localetest checks catalogues: every key that code and templates use
// exists in every language, no message is unused, and translations have the
// same placeholders and all plural forms. Tests alone import it.
package localetest

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/locale"
)

// use finds T("key"), H("key"), NewPage(r, "key") and Key: "key" in Go and .T "key", .H "key" in templates. A key
// that ends in a dot is the beginning of keys that are put together.
var use = regexp.MustCompile(`(?:\b[TH]\(|[.$][TH] |NewPage\(\w+, |\b[Kk]ey: )"([a-z][A-Za-z0-9_.-]*)"`)

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// Check reads the Go files and templates of the folders and compares the keys
// in them with the bundle. Prefixes are beginnings of keys that are not written
// out anywhere, such as "finding."; keys of these are not reported as unused.
func Check(t *testing.T, b *locale.Bundle, folders []string, prefixes ...string) {
	t.Helper()
	used := map[string]string{}
	for _, folder := range folders {
		read(t, folder, used)
	}
	for key, file := range used {
		if strings.HasSuffix(key, ".") {
			prefixes = append(prefixes, key)
			continue
		}
		for _, lang := range locale.Langs() {
			if b.Forms(lang, key) == nil {
				t.Errorf("%s uses %q, which is missing in %s", file, key, lang)
			}
		}
	}
	prefixes = append(prefixes, ownKeys...)
	for _, key := range b.Keys("en") {
		known := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
		if _, ok := used[key]; !ok && !known {
			t.Errorf("nothing uses the message %q", key)
		}
	}
	Complete(t, b)
}

// ownKeys begin the messages that package locale itself uses.
var ownKeys = []string{"number.", "size.", "date.", "ago.", "span.", "list."}

// Complete checks that all languages have the same keys, placeholders and the
// plural forms that they need.
func Complete(t *testing.T, b *locale.Bundle) {
	t.Helper()
	needs := map[string][]string{"en": {"one", "other"}, "es": {"many", "one", "other"}, "fr": {"many", "one", "other"}}
	for _, lang := range locale.Langs() {
		if diff := cmp.Diff(b.Keys("en"), b.Keys(lang)); diff != "" {
			t.Errorf("keys of en (-) and %s (+) differ:\n%s", lang, diff)
		}
		for _, key := range b.Keys(lang) {
			forms := b.Forms(lang, key)
			got := slices.Sorted(maps.Keys(forms))
			if _, single := forms[""]; !single && !slices.Equal(got, needs[lang]) {
				t.Errorf("%s in %s has the plural forms %v, want %v", key, lang, got, needs[lang])
			}
			if want, have := places(b.Forms("en", key)), places(forms); !slices.Equal(want, have) {
				t.Errorf("%s in %s has the placeholders %v, in English %v", key, lang, have, want)
			}
			for form, text := range forms {
				if strings.TrimSpace(text) == "" && !strings.HasPrefix(key, "number.") {
					t.Errorf("%s in %s is empty (%s)", key, lang, form)
				}
			}
		}
	}
}

// Exactly checks that the keys with that beginning are the wanted ones.
func Exactly(t *testing.T, b *locale.Bundle, prefix string, want map[string]bool) {
	t.Helper()
	have := slices.DeleteFunc(b.Keys("en"), func(key string) bool { return !strings.HasPrefix(key, prefix) })
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), have); diff != "" {
		t.Errorf("codes without words (-), and words without a code (+):\n%s", diff)
	}
}

func places(forms map[string]string) []string {
	seen := map[string]bool{}
	for _, text := range forms {
		for _, p := range placeholder.FindAllString(text, -1) {
			seen[p] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func read(t *testing.T, folder string, used map[string]string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != folder {
			if _, own := os.Stat(filepath.Join(path, "messages")); own == nil || d.Name() == "testdata" {
				return filepath.SkipDir // what has messages of its own is checked there
			}
		}
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if ext := filepath.Ext(path); ext != ".go" && ext != ".html" {
			return nil
		}
		text, err := os.ReadFile(path) //nolint:gosec // our own sources
		if err != nil {
			return err
		}
		for _, m := range use.FindAllSubmatch(text, -1) {
			used[string(m[1])] = path
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
