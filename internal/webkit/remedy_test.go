// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"coopkit/internal/webkit"
)

// said are the keys of what the catalogues say of problems and findings.
var said = regexp.MustCompile(`^(webkit\.)?(problem|finding)\.[A-Za-z-]+\.(what|why|next)(\.|$)`)

// remedies returns by language and key what all catalogues say of problems and
// findings. The forms of a message that counts are one text.
func remedies(t *testing.T) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{"en": {}, "es": {}, "fr": {}}
	err := fs.WalkDir(os.DirFS("../.."), ".", func(name string, d fs.DirEntry, err error) error {
		parts := strings.Split(d.Name(), ".")
		if err != nil || d.IsDir() || len(parts) != 3 || parts[2] != "json" || !strings.Contains(name, "/messages/") {
			return err
		}
		data, err := os.ReadFile("../../" + name)
		if err != nil {
			return err
		}
		var messages map[string]any
		if err := json.Unmarshal(data, &messages); err != nil {
			return err
		}
		for key, m := range messages {
			if text, ok := m.(string); ok && said.MatchString(key) {
				out[parts[1]][key] = text
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var linkPath = regexp.MustCompile(`\]\((/[^)]*)\)`)

func TestRemedies_areStepsThatAPersonCanDo(t *testing.T) {
	all := remedies(t)
	if len(all["en"]) < 400 {
		t.Fatalf("only %d messages are known", len(all["en"]))
	}
	for lang, messages := range all {
		for key, text := range messages {
			if first, _ := utf8.DecodeRuneInString(text); unicode.IsLower(first) {
				t.Errorf("%s %s does not begin like a sentence: %s", lang, key, text)
			}
			if !strings.Contains(key, ".next") {
				continue
			}
			next, english := webkit.RemedyOf(strings.Split(text, "\n")), all["en"][key]
			if len(next.Steps) == 0 {
				t.Errorf("%s %s has commands alone: what can a person at a page do?", lang, key)
			}
			for _, step := range next.Steps {
				if strings.Contains(step, "coopkit ") || strings.Contains(step, " --") {
					t.Errorf("%s %s has a command in a sentence: %s", lang, key, step)
				}
			}
			if !slices.Equal(next.Commands, webkit.RemedyOf(strings.Split(english, "\n")).Commands) {
				t.Errorf("%s %s has other commands than English", lang, key)
			}
			if !slices.Equal(linkPath.FindAllString(text, -1), linkPath.FindAllString(english, -1)) {
				t.Errorf("%s %s has other links than English", lang, key)
			}
		}
	}
}

func TestRemedy_withoutItsLinks(t *testing.T) {
	r := webkit.RemedyOf([]string{"See [your apps](/apps) or [names](/names)", "$ coopkit app list"})
	got := r.Unlinked()
	if len(got.Steps) != 1 || got.Steps[0] != "See your apps or names" || !slices.Equal(got.Commands, r.Commands) {
		t.Errorf("%+v", got)
	}
	if r.First() != got.Steps[0] || !strings.Contains(string(r.HTML()[0]), `<a href="/apps">`) {
		t.Errorf("the remedy itself has changed: %+v", r)
	}
}
