// SPDX-License-Identifier: AGPL-3.0-or-later

// Package say has the words for what package appliance calls by codes: plans
// with their lines and notes, jobs with their steps, who can act. There is one set of words, in
// every language, for console and command line. It knows neither pages nor
// terminals. Its tests look that every code has words.
package say

import (
	"cmp"
	"embed"
	"io/fs"
	"maps"
	"slices"
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
// Handbook", "Removed the site demo.coop". An app has the name by which people
// called it when the job began.
func Job(l *locale.Locale, j appliance.Job) string {
	args := map[string]string{"name": Subject(j.Subject), "kind": string(j.Kind)}
	maps.Copy(args, j.Args)
	if title := j.Args["title"]; title != "" {
		args["name"] = title
	}
	state := j.State
	if state == appliance.JobWaiting { // it is not over; in what way says the state beside it
		state = appliance.JobRunning
	}
	text, ok := words(l, "say.job."+string(j.Kind)+"."+string(state), args)
	if !ok {
		text, _ = words(l, "say.job.other."+string(state), args)
	}
	return text
}

// By says who asked for a change: a person's name, "the command line". It is
// empty where that is not known.
func By(l *locale.Locale, by appliance.By) string {
	if by.Name != "" {
		return by.Name
	}
	if text, ok := words(l, "say.by."+string(by.Kind), nil); ok {
		return text
	}
	return ""
}

// Reach says how far an address reaches: "not switched over yet".
func Reach(l *locale.Locale, r appliance.Reach) string {
	if text, ok := words(l, "say.reach."+string(r), nil); ok {
		return text
	}
	return string(r)
}

// About is what a job is about, as people called it when it began.
func About(j appliance.Job) string { return cmp.Or(j.Args["new"], j.Args["title"], Subject(j.Subject)) }

// Step says what a step does. A code without words is shown as it is: it is
// that of another version, and the first one had sentences in its place.
func Step(l *locale.Locale, s appliance.JobStep) string {
	if text, ok := words(l, "say.step."+string(s.Code), s.Args); ok {
		return text
	}
	return string(s.Code)
}

// Fails says what becomes of a change when a step of its plan fails.
func Fails(l *locale.Locale, f appliance.Failure) string {
	if text, ok := words(l, "say.fails."+string(f), nil); ok {
		return text
	}
	return string(f)
}

// Title says a plan in one sentence, by its kind.
func Title(l *locale.Locale, p appliance.Plan) string {
	args := map[string]string{"name": Subject(p.Subject)}
	maps.Copy(args, p.Args)
	args["name"] = cmp.Or(p.Args["title"], args["name"])
	if text, ok := words(l, "say.plan."+string(p.Kind), args); ok {
		return text
	}
	return string(p.Kind) + " " + p.Subject
}

// Lines says lines that do the same to things of one kind in one sentence:
// "Start the program: db and app".
func Lines(l *locale.Locale, lines []appliance.Line) string {
	var names []string
	for _, line := range lines {
		if line.Name != "" && !slices.Contains(names, line.Name) {
			names = append(names, line.Name)
		}
	}
	what := l.List(names)
	text, ok := words(l, "say.line."+string(lines[0].Verb)+"."+string(lines[0].Kind), map[string]string{"what": what})
	if !ok {
		text = strings.TrimSpace(string(lines[0].Verb) + " " + string(lines[0].Kind) + " " + what)
	}
	return text
}

// Line says one line with its values, for technicians: "Create storage for its
// data: db → coopkit-wiki_db".
func Line(l *locale.Locale, line appliance.Line) string {
	text := Lines(l, []appliance.Line{line})
	if line.From != "" && line.From != line.To {
		text += " (" + Label(l, "was", "from", line.From) + ")"
	}
	if line.To != "" {
		text += " → " + line.To
	}
	return text
}

// Fact says what a step did, as it noted it: how much it fetched, what it checked.
func Fact(l *locale.Locale, s appliance.JobStep) string {
	var facts []string
	for _, n := range s.Notes {
		if n.Code.IsFact() {
			facts = append(facts, Note(l, n))
		}
	}
	return strings.Join(facts, "; ")
}

// Note says a note of a plan, or its way back, without its command.
func Note(l *locale.Locale, n appliance.Note) string {
	if text, ok := words(l, "say.note."+string(n.Code), n.Args); ok {
		return text
	}
	return string(n.Code)
}

// Label is a word beside a plan: note, back, destroys, was, fails.
func Label(l *locale.Locale, name string, args ...any) string {
	return l.T("say.label."+name, args...)
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
