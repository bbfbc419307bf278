// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/rfc9457"
	"coopkit/internal/supervise"
)

// meaning is the status of a problem, and how long a box waits before it tries
// again; the protocol's page lists them.
type meaning struct {
	status int
	wait   time.Duration
}

func meaningOf(p *problem.Problem) meaning {
	switch p.Code {
	case "box-pending":
		return meaning{http.StatusForbidden, 10 * time.Second}
	case "box-suspected":
		return meaning{http.StatusConflict, 10 * time.Minute}
	case "box-gone":
		return meaning{http.StatusGone, 0}
	case "message-too-large":
		return meaning{http.StatusRequestEntityTooLarge, 0}
	case "too-often":
		return meaning{http.StatusTooManyRequests, 0} // the header is set where the time is known
	}
	switch p.Kind {
	case problem.Invalid, problem.NotFound, problem.Conflict, problem.Forbidden:
		return meaning{rfc9457.Status(p.Kind), 0}
	default: // whatever it is, the report is not stored and comes again
		return meaning{http.StatusServiceUnavailable, 30 * time.Second}
	}
}

// handler answers a request, or returns why it cannot.
type handler func(w http.ResponseWriter, r *http.Request) error

// handle is the only place where an error becomes an answer, and where a
// request is logged: reports are many, so that only what fails is seen.
func (s *Server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := supervise.Recovered(func() error { return h(w, r) })
		if err == nil {
			return
		}
		id := rand.Text()[:12]
		p := problem.From(err, id)
		m := meaningOf(p)
		level := slog.LevelInfo
		if m.status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
			level = slog.LevelError
		}
		s.Log.LogAttrs(r.Context(), level, "request refused", slog.String(logkey.RequestID, id), slog.String(logkey.Path, r.URL.Path),
			slog.String(logkey.Addr, r.RemoteAddr), slog.String(logkey.Code, p.Code), slog.Any(logkey.Err, err))
		fail(w, p, m, id)
	})
}

func fail(w http.ResponseWriter, p *problem.Problem, m meaning, id string) {
	if m.wait > 0 {
		retryAfter(w, m.wait)
	}
	d := rfc9457.From(p, id)
	d.Status = m.status
	d.Write(w)
}

// Busy answers, as "too-often", a request for which there is no place now.
func Busy(w http.ResponseWriter) {
	p, id := problem.From(tooOften(w, 10*time.Second), ""), rand.Text()[:12]
	fail(w, p, meaningOf(p), id)
}

func (s *Server) notFound(http.ResponseWriter, *http.Request) error {
	return &problem.Problem{
		Code: "path-unknown", Kind: problem.NotFound,
		What: "a desk has nothing there for boxes",
		Next: []string{"see docs/reference/desk-protocol.md"},
	}
}
