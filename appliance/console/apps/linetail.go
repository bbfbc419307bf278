// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// longestLine is how much of one line is kept.
const longestLine = 2000

// lineTail keeps the last lines written to it, without colours and other
// control characters. It is safe for concurrent use.
type lineTail struct {
	keep int

	mu   sync.Mutex
	all  []string
	part []byte
	new  bool
}

// Write takes text in pieces of any size.
func (l *lineTail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range p {
		if b != '\n' {
			if len(l.part) < longestLine {
				l.part = append(l.part, b)
			}
			continue
		}
		l.all, l.part, l.new = append(l.all, clean(string(l.part))), l.part[:0], true
	}
	if extra := len(l.all) - l.keep; extra > 0 {
		l.all = slices.Delete(l.all, 0, extra)
	}
	return len(p), nil
}

// lines returns the last lines, with one that is not whole yet.
func (l *lineTail) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.all)
	if len(l.part) > 0 {
		out = append(out, clean(string(l.part)))
	}
	return out
}

// fresh reports whether a line came since it was asked last.
func (l *lineTail) fresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.new
	l.new = false
	return was
}

var colour = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

func clean(line string) string {
	line = strings.ToValidUTF8(colour.ReplaceAllString(line, ""), "\uFFFD")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return -1
		}
		return r
	}, line)
}
