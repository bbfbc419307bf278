// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Stream sends the events of a live region (Server-Sent Events). The script
// page.js understands: patch (replaces the region's content), said (a line for
// the polite live region), title (of the tab) and end (loads the page again, or
// the path that it carries). It is for one goroutine.
type Stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// writeWithin is how long a browser may take to accept one event.
const writeWithin = 30 * time.Second

// NewStream begins a stream; after it, errors cannot become pages any more.
func NewStream(w http.ResponseWriter) (*Stream, error) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	s := &Stream{w: w, rc: http.NewResponseController(w)}
	if err := s.rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) { // it has one from the router
		return nil, fmt.Errorf("begin stream: %w", err)
	}
	return s, s.write("retry: 2000\n\n")
}

// Send sends one event. The id, if there is one, comes back as Last-Event-ID
// when the browser connects again.
func (s *Stream) Send(event, id, data string) error {
	var b strings.Builder
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "event: %s\n", event)
	for line := range strings.SplitSeq(data, "\n") {
		fmt.Fprintf(&b, "data: %s\n", strings.TrimRight(line, "\r"))
	}
	b.WriteString("\n")
	return s.write(b.String())
}

// Ping keeps the connection through boxes that end silent ones.
func (s *Stream) Ping() error { return s.write(": still here\n\n") }

func (s *Stream) write(text string) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("write event: %w", err)
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := s.rc.Flush(); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}
