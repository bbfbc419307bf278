// SPDX-License-Identifier: AGPL-3.0-or-later

// Package locale turns keys into sentences in the reader's language: whole
// messages with named placeholders and plural forms (CLDR), and dates, times,
// numbers and sizes as that language writes them. English, Spanish and French
// are complete; a key that a language lacks is given in English, and a test of
// every user of this package fails on it (package localetest). It knows nothing
// of pages. Its tests read all catalogues.
package locale

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Langs are the languages that we promise, the fallback first.
var langs = []language.Tag{language.English, language.Spanish, language.French}

// Langs returns the codes of the languages that we promise, the fallback
// first: en, es, fr.
func Langs() []string {
	out := make([]string, len(langs))
	for i, t := range langs {
		out[i] = t.String()
	}
	return out
}

// forms are the plural categories; "" is the only form of a message that counts
// nothing.
var forms = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

// message is one message in one language: its text, or one for each plural
// form. There are thousands, and most count nothing.
type message struct {
	text  string
	forms map[string]string // nil: it counts nothing
}

// all returns the texts by plural form.
func (m message) all() map[string]string {
	if m.forms == nil {
		return map[string]string{"": m.text}
	}
	return m.forms
}

// messages are those of one language by key.
type messages map[string]message

// Bundle holds the messages of all languages: each language once somebody reads
// it, because most boxes are read in one. It is safe for concurrent use.
type Bundle struct {
	languages map[string]func() messages
	matcher   language.Matcher
}

// New reads catalogues: files <area>.<lang>.json in the file systems, each an
// object from keys to a sentence, or to an object from plural forms (one, many,
// other …) to sentences. A key may be in one file of a language only. The
// package's own messages, of dates and sizes, are always there. The files are
// read again later, so they must not change.
func New(catalogues ...fs.FS) (*Bundle, error) {
	catalogues = append([]fs.FS{own}, catalogues...)
	b := &Bundle{languages: map[string]func() messages{}, matcher: language.NewMatcher(langs)}
	for _, lang := range Langs() {
		if _, err := read(catalogues, lang); err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		b.languages[lang] = sync.OnceValue(func() messages {
			m, _ := read(catalogues, lang) // it was read before
			return m
		})
	}
	return b, nil
}

// of returns the messages of a language; an unknown one has none.
func (b *Bundle) of(lang string) messages {
	if read := b.languages[lang]; read != nil {
		return read()
	}
	return nil
}

// read returns the messages of one language.
func read(catalogues []fs.FS, lang string) (messages, error) {
	all := messages{}
	for _, fsys := range catalogues {
		err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(name) != ".json" {
				return err
			}
			switch is := strings.TrimPrefix(path.Ext(strings.TrimSuffix(name, ".json")), "."); {
			case is == lang:
				return all.read(fsys, name)
			case !slices.Contains(Langs(), is):
				return fmt.Errorf("%s: the name does not end in .en.json, .es.json or .fr.json", name)
			default:
				return nil
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (all messages) read(fsys fs.FS, name string) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for key, value := range raw {
		if _, twice := all[key]; twice {
			return fmt.Errorf("%s: %s is defined twice", name, key)
		}
		var m message
		if value[0] == '"' {
			err = json.Unmarshal(value, &m.text)
		} else {
			err = json.Unmarshal(value, &m.forms)
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, key, err)
		}
		all[key] = m
	}
	return nil
}

// Match returns the language to use for preferences in order: a language that
// was chosen (may be empty), then Accept-Language headers.
func (b *Bundle) Match(preferences ...string) *Locale {
	_, i := language.MatchStrings(b.matcher, preferences...)
	return b.In(langs[i].String())
}

// In returns the locale of a language code; an unknown one gives English.
func (b *Bundle) In(lang string) *Locale {
	tag, err := language.Parse(lang)
	if err != nil || b.languages[lang] == nil {
		lang, tag = langs[0].String(), langs[0]
	}
	return &Locale{Lang: lang, tag: tag, bundle: b}
}

// Keys returns the keys of a language, sorted.
func (b *Bundle) Keys(lang string) []string {
	return slices.Sorted(maps.Keys(b.of(lang)))
}

// Forms returns the texts of a message by plural form; the only form of one
// that counts nothing is "".
func (b *Bundle) Forms(lang, key string) map[string]string {
	m, ok := b.of(lang)[key]
	if !ok {
		return nil
	}
	return m.all()
}

// Locale speaks one language.
type Locale struct {
	Lang   string // BCP 47 code, for the lang attribute
	tag    language.Tag
	bundle *Bundle
}

// Has reports whether the language, or English, knows the key.
func (l *Locale) Has(key string) bool {
	_, ok := l.bundle.of(l.Lang)[key]
	if !ok {
		_, ok = l.bundle.of(langs[0].String())[key]
	}
	return ok
}

// Speaks reports whether the language itself knows the key.
func (l *Locale) Speaks(key string) bool {
	_, ok := l.bundle.of(l.Lang)[key]
	return ok
}

// Needs returns the names of the placeholders of a message in the language
// itself, such as "name" for "{name}".
func (l *Locale) Needs(key string) []string {
	seen := map[string]bool{}
	for _, text := range l.bundle.of(l.Lang)[key].all() {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			seen[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// T returns the message of key. Args are pairs of a placeholder's name and its
// value: T("apps.on", "name", "Website") fills {name}. If there is a value
// named "count", it chooses the plural form and is written as a number of the
// language. A missing key gives the key, so that it is seen.
func (l *Locale) T(key string, args ...any) string {
	m, ok := l.bundle.of(l.Lang)[key]
	if !ok {
		if m, ok = l.bundle.of(langs[0].String())[key]; !ok {
			return key
		}
	}
	text := m.text
	if m.forms != nil {
		text = m.forms[l.form(args)]
		if text == "" {
			text = m.forms["other"]
		}
	}
	if !strings.Contains(text, "{") {
		return text
	}
	return l.fill(text, args)
}

// form is the plural category of the argument "count".
func (l *Locale) form(args []any) string {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] != "count" {
			continue
		}
		n, ok := integer(args[i+1])
		if !ok {
			break
		}
		if l.Lang != "en" && n != 0 && n%1_000_000 == 0 {
			return "many" // CLDR 38; the tables of x/text are older
		}
		return forms[plural.Cardinal.MatchPlural(l.tag, int(max(n, -n)%1_000_000_000), 0, 0, 0, 0)]
	}
	return "other"
}

func (l *Locale) fill(text string, args []any) string {
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+fmt.Sprint(args[i])+"}", l.value(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (l *Locale) value(v any) string {
	if n, ok := integer(v); ok {
		return l.Number(n)
	}
	return fmt.Sprint(v)
}

func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case uint64:
		return int64(min(n, 1<<62)), true
	case uint32:
		return int64(n), true
	default:
		return 0, false
	}
}
