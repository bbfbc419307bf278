// SPDX-License-Identifier: AGPL-3.0-or-later

// Package say has the words for what package appliance calls by codes: the
// kinds of change, steps of jobs, who can act. There is one set of words, in
// every language, for console and command line. It knows neither pages nor
// terminals. Its tests look that every code has words.
package say

import (
	"embed"
	"io/fs"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/locale"
)

//go:embed messages/*.json
var files embed.FS

// Files returns the messages; the locales that are given to this package must
// have them.
func Files() fs.FS { return files }

// Actor says that somebody can do something: "you can do this".
func Actor(l *locale.Locale, a appliance.Actor) string {
	if text, ok := words(l, "say.actor."+string(a), nil); ok {
		return text
	}
	return string(a)
}

// Job says a job in one sentence, by its kind, subject and state: "Adding
// wordpress", "Removed the site demo.coop".
func Job(l *locale.Locale, j appliance.Job) string {
	args := map[string]string{"name": Subject(j.Subject), "kind": string(j.Kind)}
	text, ok := words(l, "say.job."+string(j.Kind)+"."+string(j.State), args)
	if !ok {
		text, _ = words(l, "say.job.other."+string(j.State), args)
	}
	return text
}

// Step says what a step does. A code without words is shown as it is: it is
// that of another version, and the first one had sentences in its place.
func Step(l *locale.Locale, s appliance.JobStep) string {
	if text, ok := words(l, "say.step."+string(s.Code), s.Args); ok {
		return text
	}
	return string(s.Code)
}

// Subject is what a subject is about, without its kind: "wordpress" of
// "app:wordpress".
func Subject(subject string) string {
	if _, name, found := strings.Cut(subject, ":"); found {
		return name
	}
	return subject
}

func words(l *locale.Locale, key string, args map[string]string) (string, bool) {
	return l.Values(args, time.Local).Say(key)
}
