// SPDX-License-Identifier: AGPL-3.0-or-later

// Package logline is one line that a program in a container wrote: when, which
// service, how bad it is, and the text as people can read it. It knows nothing of
// engines, apps or pages; whoever reads logs, shows or filters them uses it. Its
// tests read lines of the programs that the catalogue has.
package logline

import (
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Line is one line of an app's log.
type Line struct {
	At      time.Time // when the engine received it
	Service string
	Text    string // as the program wrote it, see Clean
}

// Parse reads a line as an engine writes it with times: "service | TIME text";
// the time is RFC 3339. The rest is false for anything else.
func Parse(s string) (Line, bool) {
	service, rest, ok := strings.Cut(strings.TrimSuffix(s, "\n"), " | ")
	stamp, text, _ := strings.Cut(rest, " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	return Line{at, service, text}, ok && err == nil
}

// String writes a line as people at a terminal read it: "service | text".
func (l Line) String() string { return l.Service + " | " + l.Text }

// Stamped writes a line as Parse reads it.
func (l Line) Stamped() string {
	return l.Service + " | " + l.At.UTC().Format(time.RFC3339Nano) + " " + l.Text
}

// longest is how much of a line Clean leaves, in bytes.
const longest = 2000

var escape = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\-_])") // ECMA-48: CSI, OSC, others

// Clean returns text without colours and other control characters, valid, and
// not longer than a page can show.
func Clean(text string) string {
	if len(text) > longest {
		text = text[:longest]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(escape.ReplaceAllString(text, ""), "\uFFFD"))
}

// Level says how bad what a line reports is.
type Level string

// The levels. A line without any sign is Unknown.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Info    Level = "info"
	Unknown Level = "unknown"
)

// signs of a level, in the order in which they are looked for. Words count only
// where programs put their level: in brackets, before a colon, after "level=",
// so that a page named /error-handling is none.
var signs = []struct {
	level Level
	form  *regexp.Regexp
}{
	{Error, regexp.MustCompile(`(?i)\[(?:[a-z0-9_]+:)?(?:error|err|crit|critical|alert|emerg|fatal|panic)\]`)}, // apache, nginx, mariadb, python
	{Warning, regexp.MustCompile(`(?i)\[(?:[a-z0-9_]+:)?(?:warning|warn)\]`)},
	{Info, regexp.MustCompile(`(?i)\[(?:[a-z0-9_]+:)?(?:notice|note|info|debug|trace[0-9]?|system)\]`)},
	{Error, regexp.MustCompile(`(?i)\b(?:level|severity|lvl)"?[=:]\s*"?(?:error|err|crit\w*|fatal|panic|alert|emerg\w*)\b`)}, // logfmt, JSON
	{Warning, regexp.MustCompile(`(?i)\b(?:level|severity|lvl)"?[=:]\s*"?warn(?:ing)?\b`)},
	{Info, regexp.MustCompile(`(?i)\b(?:level|severity|lvl)"?[=:]\s*"?(?:info|notice|debug|trace)\b`)},
	{Error, regexp.MustCompile(`PHP (?:Fatal error|Parse error|Recoverable fatal error|Core error)\b`)}, // php
	{Warning, regexp.MustCompile(`PHP (?:Warning|Deprecated|Core warning)\b`)},
	{Info, regexp.MustCompile(`PHP Notice\b`)},
	{Error, regexp.MustCompile(`^Traceback \(most recent call last\)`)},                          // python
	{Error, regexp.MustCompile(`(?:^|\s)(?:ERROR|Error|CRITICAL|FATAL|Fatal|PANIC)(?::|\s-\s)`)}, // "ERROR: …"
	{Warning, regexp.MustCompile(`(?:^|\s)(?:WARNING|Warning|WARN)(?::|\s-\s)`)},
	{Info, regexp.MustCompile(`(?:^|\s)(?:INFO|Info|NOTICE|DEBUG)(?::|\s-\s)`)},
	{Error, regexp.MustCompile(`"[A-Z]{3,10} [^"]*" 5\d\d\b`)},    // a request that failed (Common Log Format)
	{Info, regexp.MustCompile(`"[A-Z]{3,10} [^"]*" [1-4]\d\d\b`)}, // one that was answered
}

// LevelOf recognises the forms of Apache, nginx, PHP, MariaDB, Python, logfmt and
// JSON. What a visitor asked for in vain (4xx) is no fault of the program.
func LevelOf(text string) Level {
	for _, s := range signs {
		if s.form.MatchString(text) {
			return s.level
		}
	}
	return Unknown
}

// AtLeast reports whether a level is as bad as least, which may be empty or
// Unknown for all.
func (l Level) AtLeast(least Level) bool { return rank[l] >= rank[least] }

var rank = map[Level]int{Error: 3, Warning: 2, Info: 1}
