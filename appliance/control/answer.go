// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// document is a problem as RFC 9457 wants it: the registered members beside
// ours. Kind says more than Status can.
type document struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Instance string       `json:"instance,omitempty"` // the request's id, also in the agent's log
	Code     string       `json:"code"`
	Kind     problem.Kind `json:"kind"`
	Why      string       `json:"why,omitempty"`
	Next     []string     `json:"next"`
	// Args are the values in the sentences, by name.
	Args map[string]string `json:"args,omitempty"`
}

func toDocument(p *problem.Problem, id string) document {
	d := document{
		Type: "urn:coopkit:problem:" + p.Code, Title: p.What, Status: status(p.Kind), Instance: "urn:coopkit:request:" + id,
		Code: p.Code, Kind: p.Kind, Why: p.Why, Next: p.Next, Args: p.Args,
	}
	if d.Next == nil {
		d.Next = []string{}
	}
	return d
}

func (d document) problem() *problem.Problem {
	return &problem.Problem{Code: d.Code, Kind: d.Kind, What: d.Title, Why: d.Why, Next: d.Next, Args: d.Args}
}

func status(k problem.Kind) int {
	switch k {
	case problem.Invalid:
		return http.StatusBadRequest
	case problem.NotFound:
		return http.StatusNotFound
	case problem.Conflict, problem.Cancelled:
		return http.StatusConflict
	case problem.Forbidden:
		return http.StatusForbidden
	case problem.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// handle is the only place where an error becomes an answer, and where a
// request is logged: changes for everyone to see, questions for us.
func (s *server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, began := requestID(), time.Now()
		out := &response{ResponseWriter: w}
		err := recovered(h, out, r)
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
			if level = slog.LevelInfo; status(p.Kind) == http.StatusInternalServerError && r.Context().Err() == nil {
				level = slog.LevelError
			}
			attrs = append(attrs, slog.String(logkey.Code, p.Code), slog.String(logkey.Err, err.Error()))
			defer out.fail(toDocument(p, id)) // after the log line, so that who quotes the id finds it
		}
		s.log.LogAttrs(r.Context(), level, "request", attrs...)
	})
}

// recovered turns a panic into an error, so that the caller gets an answer.
func recovered(h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h(w, r)
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
func (r *response) fail(d document) {
	data, err := json.Marshal(d)
	if err != nil { // it has nothing that can not be encoded
		r.WriteHeader(http.StatusInternalServerError)
		return
	}
	if r.begun {
		r.Header().Set(http.TrailerPrefix+problemTrailer, string(data))
		return
	}
	r.Header().Set("Content-Type", typeProblem)
	r.WriteHeader(d.Status)
	_, _ = r.Write(append(data, '\n')) // the caller may be gone
}
