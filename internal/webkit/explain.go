// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"coopkit/internal/locale"
	"coopkit/internal/problem"
)

// Explain says a problem in the reader's language. An area may have words of its
// own for a page, problem.<code>.what, .why and .next; else all have
// webkit.problem.<code>.*. A message with .with at the end of its key has values
// of the problem in it and is taken when all of them are there; one with
// .with.<case> at its end where args["case"] is that. The problem's own words are
// English: they are said where the catalogue has none, and on an English page
// where its message leaves a value out ("…") that they have.
func Explain(l *locale.Locale, p *problem.Problem) (what, why string, next Remedy) {
	v := valuesOf(l, time.Local, p.Args)
	what, why = capital(p.What), capital(p.Why)
	for _, line := range p.Next {
		next.add(capital(line))
	}
	for _, key := range []string{"problem." + p.Code, "webkit.problem." + p.Code} {
		if !v.l.Speaks(key+".what") && !v.l.Speaks(key+".what.with") {
			continue
		}
		if text, ok := v.whole(key + ".what"); ok {
			what = text
		}
		if text, ok := v.whole(key + ".why"); ok {
			why = text
		} else if l.Lang != locale.Langs()[0] {
			why = ""
		}
		if text, ok := v.whole(key + ".next"); ok {
			next = RemedyOf(lines(text))
		}
		return what, why, next
	}
	return what, why, next
}

// missing stands in a message for a value that it does not have.
const missing = "…"

// capital begins a sentence, unless it begins with a name.
func capital(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if s == "" || strings.ContainsAny(first, "./:_@0123456789") || programs.MatchString(s) {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// Sentences are a finding in words: the effect on people as a title, what is
// the matter, why, and what to do next.
type Sentences struct {
	Title, What, Why string
	Next             Remedy
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
	return Sentences{Title: title, What: what, Why: why, Next: RemedyOf(lines(next))}
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

// whole returns the message with values where all are there, that of the case
// first; else the plain one where it leaves nothing out.
func (v values) whole(key string) (string, bool) {
	for _, with := range []string{key + ".with." + v.which, key + ".with"} {
		if v.l.Speaks(with) {
			if text, ok := v.Say(with); ok {
				return text, true
			}
		}
	}
	if !v.l.Speaks(key) {
		return "", false
	}
	text, ok := v.Say(key)
	return text, ok && !strings.Contains(text, missing)
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
