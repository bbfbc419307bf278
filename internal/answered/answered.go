// SPDX-License-Identifier: AGPL-3.0-or-later

// Package answered notes what a handler answers, for whoever logs it or has to
// know whether there is still something to be said. It changes nothing of the
// answer. Its tests answer in every way that a handler can.
package answered

import "net/http"

// Writer is the http.ResponseWriter of one request that notes what is answered.
// Like the one that it wraps, it is for one goroutine.
type Writer struct {
	http.ResponseWriter
	Status int   // the final one, or that of a switched protocol; 0: nothing was answered yet
	Bytes  int64 // of the body
}

// WriteHeader notes the status; those in between (1xx) are none yet.
func (w *Writer) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.Status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (w *Writer) Write(b []byte) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.Bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the real writer.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
