// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"coopkit/appliance"
)

// logs streams text. The first byte decides: an error before it is a problem
// document, an error after it comes in the trailer.
func (s *server) logs(w http.ResponseWriter, r *http.Request) error {
	tail, err := query(r, "tail", 0, strconv.Atoi)
	if err != nil {
		return err
	}
	follow, err := query(r, "follow", false, strconv.ParseBool)
	if err != nil {
		return err
	}
	service := r.URL.Query().Get("service")
	return s.b.Logs(r.Context(), r.PathValue("name"), service, tail, follow, newStream(w, typeText))
}

// jobEvents streams JSON lines, each flushed.
func (s *server) jobEvents(w http.ResponseWriter, r *http.Request) error {
	id, err := jobID(r)
	if err != nil {
		return err
	}
	after, err := query(r, "after", 0, parseInt64)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(newStream(w, typeLines))
	return s.b.JobEvents(r.Context(), id, after, func(e appliance.JobEvent) error {
		return lines.Encode(e)
	})
}

// push hands the body to the backend as it arrives. When that fails half way,
// the rest is read and dropped: closing on a client that still writes would
// lose the answer.
func (s *server) push(w http.ResponseWriter, r *http.Request) error {
	body := &noticed{Reader: r.Body}
	job, err := s.b.Push(r.Context(), r.PathValue("host"), body)
	if err != nil && body.read {
		if _, drain := io.Copy(io.Discard, r.Body); drain != nil {
			err = errors.Join(err, fmt.Errorf("read the rest: %w", drain))
		}
	}
	return write(w, r, job, err)
}

// noticed notices whether anything was read. Nothing read means that the
// client still waits for "100 Continue" and sends no body after an error.
type noticed struct {
	io.Reader
	read bool
}

func (n *noticed) Read(p []byte) (int, error) {
	n.read = true
	return n.Reader.Read(p)
}

// stream is a writer that flushes what it writes, so that people see it live.
type stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func newStream(w http.ResponseWriter, contentType string) *stream {
	w.Header().Set("Content-Type", contentType)
	return &stream{w: w, rc: http.NewResponseController(w)}
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, s.rc.Flush()
}
