// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// document is a problem as RFC 9457 wants it: the registered members beside
// ours.
type document struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Instance string       `json:"instance"` // the request's id, also in the desk's log
	Code     string       `json:"code"`
	Kind     problem.Kind `json:"kind"`
	Why      string       `json:"why,omitempty"`
	Next     []string     `json:"next"`
}

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
	case problem.Invalid:
		return meaning{http.StatusBadRequest, 0}
	case problem.NotFound:
		return meaning{http.StatusNotFound, 0}
	case problem.Conflict:
		return meaning{http.StatusConflict, 0}
	case problem.Forbidden:
		return meaning{http.StatusForbidden, 0}
	default: // whatever it is, the report is not stored and comes again
		return meaning{http.StatusServiceUnavailable, 30 * time.Second}
	}
}

// handler answers a request, or returns why it can not.
type handler func(w http.ResponseWriter, r *http.Request) error

// handle is the only place where an error becomes an answer, and where a
// request is logged: reports are many, so that only what fails is seen.
func (s *Server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := recovered(h, w, r)
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
			slog.String(logkey.Addr, r.RemoteAddr), slog.String(logkey.Code, p.Code), slog.String(logkey.Err, err.Error()))
		fail(w, p, m, id)
	})
}

func fail(w http.ResponseWriter, p *problem.Problem, m meaning, id string) {
	body, err := json.Marshal(document{
		Type: "urn:coopkit:problem:" + p.Code, Title: p.What, Status: m.status, Instance: "urn:coopkit:request:" + id,
		Code: p.Code, Kind: p.Kind, Why: p.Why, Next: p.Next,
	})
	if err != nil { // it has nothing that can not be encoded
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if m.wait > 0 {
		retryAfter(w, m.wait)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(m.status)
	_, _ = w.Write(append(body, '\n')) // the box may be gone
}

// recovered turns a panic into an error, so that the box gets an answer.
func recovered(h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h(w, r)
}

func (s *Server) notFound(http.ResponseWriter, *http.Request) error {
	return &problem.Problem{
		Code: "path-unknown", Kind: problem.NotFound,
		What: "a desk has nothing there for boxes",
		Next: []string{"see docs/reference/desk-protocol.md"},
	}
}
