// SPDX-License-Identifier: AGPL-3.0-or-later

package arch

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Refused are words of one language that no text of the repository has.
type Refused struct {
	Lang string
	Text string
	re   *regexp.Regexp
}

// refusedRow is a row of the table of terms that Words reads: the language, what
// is not said, and what is said in its place.
var refusedRow = regexp.MustCompile("^\\| (en|es|fr) \\| ((?:`[^`]+`(?:, )?)+) \\| .* \\|$")

// RefusedWords reads the page of terms: each row of its list of words names a
// language and, in backquotes, what is not said in it.
func RefusedWords(page []byte) []Refused {
	var all []Refused
	for line := range strings.Lines(string(page)) {
		row := refusedRow.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			continue
		}
		for text := range strings.SplitSeq(strings.Trim(row[2], "`"), "`, `") {
			// In French a letter with an accent is no end of a word for \b.
			re := regexp.MustCompile(`(?i)(?:^|[^\pL])` + strings.ReplaceAll(regexp.QuoteMeta(text), " ", `\s+`) + `(?:[^\pL]|$)`)
			all = append(all, Refused{Lang: row[1], Text: text, re: re})
		}
	}
	return all
}

// Words returns one line for each refused word in a message, in the README and
// the pages of docs, and in the comments of the sources. The page of terms has
// the words itself and is left out.
func Words(repo fs.FS, files []File, terms string) ([]string, error) {
	page, err := fs.ReadFile(repo, terms)
	if err != nil {
		return nil, fmt.Errorf("words: %w", err)
	}
	refused := RefusedWords(page)
	if len(refused) == 0 {
		return nil, fmt.Errorf("words: %s has no list of them", terms)
	}
	bad := ofComments(files, refused)
	err = walk(repo, func(name string) error {
		found, err := ofFile(repo, name, terms, refused)
		bad = append(bad, found...)
		return err
	})
	slices.Sort(bad)
	return bad, err
}

// ofFile are the refused words of a catalogue or a page.
func ofFile(repo fs.FS, name, terms string, refused []Refused) ([]string, error) {
	message := strings.HasSuffix(name, ".json") && path.Base(path.Dir(name)) == "messages"
	doc := strings.HasPrefix(name, "docs/") && strings.HasSuffix(name, ".md") && name != terms || name == "README.md"
	if !message && !doc {
		return nil, nil
	}
	data, err := fs.ReadFile(repo, name)
	if err != nil {
		return nil, err
	}
	if message {
		return ofMessages(name, data, refused)
	}
	return ofText(name, "en", string(data), refused), nil
}

// ofMessages are the refused words of a catalogue, <area>.<language>.json, by
// the message's key.
func ofMessages(name string, data []byte, refused []Refused) ([]string, error) {
	var messages map[string]any
	if err := json.Unmarshal(data, &messages); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	parts := strings.Split(path.Base(name), ".")
	if len(parts) != 3 {
		return nil, nil
	}
	var bad []string
	for key, m := range messages {
		bad = append(bad, ofText(name+" "+key, parts[1], fmt.Sprint(m), refused)...)
	}
	return bad, nil
}

func ofComments(files []File, refused []Refused) []string {
	var bad []string
	for _, f := range files {
		for _, group := range f.AST.Comments {
			bad = append(bad, ofText(f.At(group), "en", group.Text(), refused)...)
		}
	}
	return bad
}

func ofText(at, lang, text string, refused []Refused) []string {
	var bad []string
	for _, r := range refused {
		if r.Lang == lang && r.re.MatchString(text) {
			bad = append(bad, fmt.Sprintf("%s: “%s” is not said: docs/reference/terms.md has what is", at, r.Text))
		}
	}
	return bad
}
