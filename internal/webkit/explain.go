// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"strings"
	"time"

	"coopkit/internal/locale"
	"coopkit/internal/problem"
)

// Explain says a problem in the reader's language. An area may have words of its
// own for a page, problem.<code>.what, .why and .next; else English keeps the
// problem's own words, which know most, and other languages have
// webkit.problem.<code>.*. A message with .with at the end of its key has values
// of the problem in it and is taken when all of them are there. A code that no
// catalogue knows keeps its own words.
func Explain(l *locale.Locale, p *problem.Problem) (what, why string, next []string) {
	keys := []string{"problem." + p.Code}
	if l.Lang != locale.Langs()[0] {
		keys = append(keys, "webkit.problem."+p.Code)
	}
	v := valuesOf(l, time.Local, p.Args)
	for _, key := range keys {
		if what, ok := v.either(key + ".what"); ok {
			why, _ := v.either(key + ".why")
			next, _ := v.either(key + ".next")
			return what, why, lines(next)
		}
	}
	return p.What, p.Why, p.Next
}

// Sentences are a finding in words: the effect on people as a title, what is
// the matter, why, and what to do next.
type Sentences struct {
	Title, What, Why string
	Next             []string
}

// ExplainFinding says a finding in the reader's language, from the messages
// webkit.finding.<CODE>.title, .what, .why and .next. The one with the value of
// args["case"] at its end is taken where there is one. Args are written as
// locale.Values says. A finding of a newer or older box, whose code or values
// are not known, keeps its own words. Times are those of this machine;
// Page.ExplainFinding has the page's.
func ExplainFinding(l *locale.Locale, code string, args map[string]string, own Sentences) Sentences {
	return explainFinding(valuesOf(l, time.Local, args), code, own)
}

// ExplainFinding is the function of that name, with the times of the page.
func (p *Page) ExplainFinding(code string, args map[string]string, own Sentences) Sentences {
	return explainFinding(valuesOf(p.Locale, p.place, args), code, own)
}

// FindingTitle is the title of ExplainFinding alone, for a list: own where no
// message knows it.
func (p *Page) FindingTitle(code string, args map[string]string, own string) string {
	if title, ok := valuesOf(p.Locale, p.place, args).ofCase("webkit.finding." + code + ".title"); ok && title != "" {
		return title
	}
	return own
}

func explainFinding(v values, code string, own Sentences) Sentences {
	key := "webkit.finding." + code
	title, ok := v.ofCase(key + ".title")
	what, okWhat := v.ofCase(key + ".what")
	why, okWhy := v.ofCase(key + ".why")
	next, okNext := v.ofCase(key + ".next")
	if title == "" || !ok || !okWhat || !okWhy || !okNext {
		return own
	}
	return Sentences{Title: title, What: what, Why: why, Next: lines(next)}
}

// values are the args of a finding or problem as a language writes them.
type values struct {
	*locale.Values
	l     *locale.Locale
	which string // the "case"
}

func valuesOf(l *locale.Locale, place *time.Location, args map[string]string) values {
	return values{Values: l.Values(args, place), l: l, which: args["case"]}
}

// ofCase returns the message of the case, else the one for all; none is fine.
func (v values) ofCase(key string) (string, bool) {
	if v.which != "" && v.l.Speaks(key+"."+v.which) {
		return v.Say(key + "." + v.which)
	}
	if !v.l.Speaks(key) {
		return "", true
	}
	return v.Say(key)
}

// either returns the message with values where all are there, else the plain
// one.
func (v values) either(key string) (string, bool) {
	if v.l.Speaks(key + ".with") {
		if text, ok := v.Say(key + ".with"); ok {
			return text, true
		}
	}
	if !v.l.Speaks(key) {
		return "", false
	}
	return v.Say(key)
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
