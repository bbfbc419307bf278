// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/rfc9457"
	"coopkit/internal/supervise"
)

type server struct{ log *slog.Logger }

// handle is the only place where an error becomes an answer, and where a
// request is logged: changes for everyone to see, questions for us.
func (s *server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, began := requestID(), time.Now()
		out := &response{ResponseWriter: w}
		err := supervise.Recovered(func() error { return h(out, r) })
		if r.Context().Err() != nil { // the caller has gone, or the agent stops
			err = context.Cause(r.Context())
		}
		level := slog.LevelDebug
		if r.Method != http.MethodGet {
			level = slog.LevelInfo
		}
		attrs := []slog.Attr{
			slog.String(logkey.RequestID, id), slog.String(logkey.Path, r.Method+" "+r.URL.Path),
			slog.Duration(logkey.Took, time.Since(began)),
		}
		if err != nil {
			p := problem.From(err, id)
			if level = slog.LevelInfo; rfc9457.Status(p.Kind) == http.StatusInternalServerError && r.Context().Err() == nil {
				level = slog.LevelError
			}
			attrs = append(attrs, slog.String(logkey.Code, p.Code), slog.Any(logkey.Err, err))
			defer out.fail(rfc9457.From(p, id)) // after the log line, so that who quotes the id finds it
		}
		s.log.LogAttrs(r.Context(), level, "request", attrs...)
	})
}

func requestID() string { return rand.Text()[:12] }

// response notices whether the answer has begun.
type response struct {
	http.ResponseWriter
	begun bool
}

func (r *response) WriteHeader(status int) {
	r.begun = true
	r.ResponseWriter.WriteHeader(status)
}

func (r *response) Write(p []byte) (int, error) {
	r.begun = true
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the real one.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// fail answers with the document, or puts it in the trailer of a stream.
func (r *response) fail(d rfc9457.Document) {
	if !r.begun {
		d.Write(r)
		return
	}
	if data, err := json.Marshal(d); err == nil { // it has nothing that can not be encoded
		r.Header().Set(http.TrailerPrefix+problemTrailer, string(data))
	}
}
