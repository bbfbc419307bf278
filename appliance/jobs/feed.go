// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"coopkit/appliance"
)

// A build says thousands of lines, and each transaction is flushed to a disk
// that may be a memory card: events wait for each other a moment, which no
// reader notices.
const (
	feedEvery = 100 * time.Millisecond
	feedMost  = 200 // events in one transaction
)

// feedAgain spaces the tries to write events to a disk that has no room; of
// those that wait meanwhile the last feedHeld stay.
const (
	feedAgain = time.Second
	feedHeld  = 1000
)

// maxLine is how many bytes of one line of a log are shown.
const maxLine = 2000

// feed collects the events of one job and writes them in their order, many at
// once. It is safe for concurrent use.
type feed struct {
	write func([]appliance.JobEvent) error

	mu      sync.Mutex
	pending []appliance.JobEvent
	timer   *time.Timer // nil: no write is due
	closed  bool
}

func newFeed(write func([]appliance.JobEvent) error) *feed { return &feed{write: write} }

// add takes an event; after close it drops it.
func (f *feed) add(ev appliance.JobEvent) {
	ev.Text = shorten(ev.Text)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.pending = append(f.pending, ev); {
	case f.closed:
		f.pending = nil
	case f.timer == nil:
		f.timer = time.AfterFunc(feedEvery, f.flush)
	case len(f.pending) == feedMost:
		f.flushLocked()
	case len(f.pending) > feedHeld: // they could not be written for a while
		f.pending = f.pending[1:]
	}
}

func (f *feed) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.flushLocked()
	}
}

func (f *feed) flushLocked() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	if len(f.pending) == 0 {
		return
	}
	if err := f.write(f.pending); err != nil { // it is only a gap in a live view: the steps are in the journal
		f.timer = time.AfterFunc(feedAgain, f.flush)
		return
	}
	f.pending = nil
}

// close writes what is left; then nothing is written any more.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flushLocked()
	if f.timer != nil {
		f.timer.Stop()
	}
	f.closed, f.pending = true, nil
}

// shorten cuts a line that nobody reads to its end.
func shorten(line string) string {
	if len(line) <= maxLine {
		return line
	}
	cut := maxLine
	for cut > 0 && !utf8.RuneStart(line[cut]) {
		cut--
	}
	return strings.ToValidUTF8(line[:cut], "\uFFFD") + " …"
}
