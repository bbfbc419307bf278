// SPDX-License-Identifier: AGPL-3.0-or-later

package locale_test

import (
	"testing"
	"testing/fstest"
	"time"

	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
)

func bundle(t *testing.T, files fstest.MapFS) *locale.Bundle {
	t.Helper()
	b, err := locale.New(files)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCatalogue_isCompleteInEveryLanguage(t *testing.T) {
	localetest.Complete(t, bundle(t, nil))
}

func TestT_fillsAndCounts(t *testing.T) {
	b := bundle(t, fstest.MapFS{
		"x.en.json": {Data: []byte(`{"a":"Hello {name}","n":{"one":"{count} box","other":"{count} boxes"},"only":"English"}`)},
		"x.es.json": {Data: []byte(`{"a":"Hola {name}","n":{"one":"{count} caja","many":"{count} de cajas","other":"{count} cajas"}}`)},
	})
	for _, c := range []struct{ lang, got, want string }{
		{"en", b.In("en").T("a", "name", "Bo"), "Hello Bo"},
		{"es", b.In("es").T("a", "name", "{name}"), "Hola {name}"},
		{"en", b.In("en").T("n", "count", 1), "1 box"},
		{"en", b.In("en").T("n", "count", 12000), "12,000 boxes"},
		{"es", b.In("es").T("n", "count", 1000000), "1\u00a0000\u00a0000 de cajas"},
		{"es", b.In("es").T("n", "count", 1200), "1200 cajas"},
		{"es", b.In("es").T("only"), "English"},
		{"fr", b.In("fr").T("nowhere"), "nowhere"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.lang, c.got, c.want)
		}
	}
}

func TestNew_refusesWhatItCanNotUse(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"unknown language": {"x.tlh.json": {Data: []byte(`{}`)}},
		"no object":        {"x.en.json": {Data: []byte(`[]`)}},
		"twice":            {"x.en.json": {Data: []byte(`{"a":"b"}`)}, "y.en.json": {Data: []byte(`{"a":"c"}`)}},
	} {
		if _, err := locale.New(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMatch_takesTheChosenLanguageBeforeTheBrowsers(t *testing.T) {
	b := bundle(t, nil)
	for _, c := range []struct {
		prefs []string
		want  string
	}{
		{[]string{"", "fr-CA,fr;q=0.9,en;q=0.5"}, "fr"},
		{[]string{"es", "fr"}, "es"},
		{[]string{"", "de"}, "en"},
		{[]string{"", "nonsense;;;"}, "en"},
	} {
		if got := b.Match(c.prefs...).Lang; got != c.want {
			t.Errorf("%v: got %s, want %s", c.prefs, got, c.want)
		}
	}
}

func TestFormats(t *testing.T) {
	b := bundle(t, nil)
	en, es, fr := b.In("en"), b.In("es"), b.In("fr")
	at := time.Date(2026, 12, 19, 16, 5, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{en.Date(at), "19 December 2026"},
		{fr.Date(at.AddDate(0, 0, 13)), "1er janvier 2027"},
		{es.Date(at), "19 de diciembre de 2026"},
		{fr.DateTime(at), "19 décembre 2026, 16:05"},
		{en.Ago(at, at.Add(20*time.Second)), "20 seconds ago"},
		{en.Ago(at, at.Add(time.Minute)), "1 minute ago"},
		{es.Ago(at, at.Add(3*24*time.Hour)), "el sábado, 16:05"},
		{fr.Ago(at, at.Add(30*24*time.Hour)), "19 décembre 2026"},
		{en.Ago(time.Time{}, at), "never"},
		{en.Bytes(41_000_000_000), "41\u00a0GB"},
		{fr.Bytes(3_400_000), "3,4\u00a0Mo"},
		{en.Bytes(999_600), "1\u00a0MB"},
		{en.Bytes(0), "0\u00a0B"},
		{fr.Number(-1234567), "-1\u202f234\u202f567"},
		{es.Decimal(2.25), "2,3"},
		{en.Percent(0.354), "35%"},
		{en.Span(26 * 24 * time.Hour), "26 days"},
		{fr.Span(90 * time.Second), "1 minute"},
		{es.List([]string{"a", "b", "c"}), "a, b y c"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
