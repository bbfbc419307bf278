// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"log/slog"
	"net/http"
	"time"

	"coopkit/internal/logkey"
)

// accessLog writes one debug line for each request that h answers. Queries are
// left out: they may hold secrets.
func accessLog(log *slog.Logger, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &watched{ResponseWriter: w}
		defer seen.write(log, r, time.Now()) // also when h panics, as it does to break an answer off
		h.ServeHTTP(seen, r)
	})
}

// watched notes the status and counts the bytes of an answer.
type watched struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// write writes the line; the status is 0 when no answer had begun.
func (w *watched) write(log *slog.Logger, r *http.Request, start time.Time) {
	log.LogAttrs(r.Context(), slog.LevelDebug, "request",
		slog.String(logkey.Host, r.Host), slog.String("method", r.Method), slog.String(logkey.Path, r.URL.Path),
		slog.Int("status", w.status), slog.Int64("bytes", w.bytes), slog.String("proto", r.Proto),
		slog.String(logkey.Addr, r.RemoteAddr), slog.Duration(logkey.Took, time.Since(start)))
}

// Unwrap lets http.ResponseController reach the real writer.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the final status.
func (w *watched) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (w *watched) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}
