// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"log/slog"
	"net/http"
	"time"

	"coopkit/internal/answered"
	"coopkit/internal/logkey"
)

// accessLog writes one debug line for each request that h answers. Queries are
// left out: they may hold secrets.
func accessLog(log *slog.Logger, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &answered.Writer{ResponseWriter: w}
		defer written(log, r, seen, time.Now()) // also when h panics, as it does to break an answer off
		h.ServeHTTP(seen, r)
	})
}

// written writes the line; the status is 0 when no answer had begun.
func written(log *slog.Logger, r *http.Request, seen *answered.Writer, start time.Time) {
	log.LogAttrs(r.Context(), slog.LevelDebug, "request",
		slog.String(logkey.Host, r.Host), slog.String("method", r.Method), slog.String(logkey.Path, r.URL.Path),
		slog.Int("status", seen.Status), slog.Int64("bytes", seen.Bytes), slog.String("proto", r.Proto),
		slog.String(logkey.Addr, r.RemoteAddr), slog.Duration(logkey.Took, time.Since(start)))
}
