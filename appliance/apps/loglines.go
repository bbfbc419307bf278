// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"bytes"
	"strings"

	"coopkit/appliance"
)

// logLines writes a stream of text to a job's log, line by line.
type logLines struct {
	p    appliance.Progress
	rest []byte
}

// Write takes text as it comes; it never fails.
func (l *logLines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte{'\n'})
		if !found {
			return len(b), nil
		}
		l.p.Log(strings.TrimRight(string(line), "\r"))
		l.rest = rest
	}
}

// flush writes a last line that has no end.
func (l *logLines) flush() {
	if len(l.rest) > 0 {
		l.p.Log(string(l.rest))
		l.rest = nil
	}
}
