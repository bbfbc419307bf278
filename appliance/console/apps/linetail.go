// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"slices"
	"sync"

	"coopkit/appliance/logline"
)

// longestLine is how much of one line is held, with its time and service.
const longestLine = 4000

// lineTail keeps the last lines of a log written to it, as pages can show them.
// It is safe for concurrent use.
type lineTail struct {
	keep int

	mu   sync.Mutex
	all  []logline.Line
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
		if line, ok := logline.Parse(string(l.part)); ok {
			line.Text = logline.Clean(line.Text)
			l.all, l.new = append(l.all, line), true
		}
		l.part = l.part[:0]
	}
	if extra := len(l.all) - l.keep; extra > 0 {
		l.all = slices.Delete(l.all, 0, extra)
	}
	return len(p), nil
}

// lines returns the last lines.
func (l *lineTail) lines() []logline.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// fresh reports whether a line came since it was asked last.
func (l *lineTail) fresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.new
	l.new = false
	return was
}
