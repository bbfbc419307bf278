// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"coopkit/appliance"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// maxBody is the size limit of a JSON body. Sites come as streams without one.
const maxBody = 1 << 20

// handler serves one route; its error becomes a problem document.
type handler func(w http.ResponseWriter, r *http.Request) error

type server struct {
	b   Backend
	log *slog.Logger
}

// Handler serves the API of b. It is safe for concurrent use if b is.
func Handler(b Backend, log *slog.Logger) http.Handler {
	s := &server{b: b, log: log.With(slog.String(logkey.Component, "control"))}
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		mux.Handle(rt.pattern, s.handle(rt.serve))
	}
	mux.Handle("/", s.handle(unknownRoute))
	return mux
}

func unknownRoute(_ http.ResponseWriter, r *http.Request) error {
	return &problem.Problem{
		Code: "request-unknown", Kind: problem.NotFound,
		What: "the agent does not know the request " + strconv.Quote(r.Method+" "+r.URL.Path),
		Why:  "the command and the agent may be of different versions",
		Next: []string{"compare “coopkit version” with “coopkit status”", "restart the agent: sudo systemctl restart coopkit-agent"},
	}
}

// plain serves a call that takes nothing.
func plain[T any](call func(context.Context) (T, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := call(r.Context())
		return write(w, r, v, err)
	}
}

// named serves a call that takes one part of the path.
func named[T any](key string, call func(context.Context, string) (T, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := call(r.Context(), r.PathValue(key))
		return write(w, r, v, err)
	}
}

// planned serves a call that takes one part of the path and the plan's hash.
func planned[T any](key string, call func(ctx context.Context, name, hash string) (T, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := call(r.Context(), r.PathValue(key), r.URL.Query().Get("plan_hash"))
		return write(w, r, v, err)
	}
}

// withBody serves a call that takes a JSON body.
func withBody[B, T any](call func(*http.Request, B) (T, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var body B
		if err := decode(w, r, &body); err != nil {
			return err
		}
		v, err := call(r, body)
		return write(w, r, v, err)
	}
}

// decode reads exactly one JSON document without unknown fields.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = fmt.Errorf("text after the document: %w", err)
	}
	p := &problem.Problem{
		Code: "request-invalid", Kind: problem.Invalid,
		What: "the agent can not read the request",
		Why:  "its body is not the JSON document that is expected here",
		Next: []string{"see docs/reference/control-api.md"}, Err: err,
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		p.Why = fmt.Sprintf("its body is larger than %d bytes", maxBody)
	}
	return p
}

// write answers v, or hands err back. A job that a request started is 202.
func write(w http.ResponseWriter, r *http.Request, v any, err error) error {
	if err != nil {
		return err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", typeJSON)
	if _, job := v.(appliance.Job); job && r.Method != http.MethodGet {
		w.WriteHeader(http.StatusAccepted)
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

func (s *server) removeApp() handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		noExport, err := query(r, "no_export", false, strconv.ParseBool)
		if err != nil {
			return err
		}
		v, err := s.b.Remove(r.Context(), appliance.RemoveApp{
			Name: r.PathValue("name"), NoExport: noExport, PlanHash: r.URL.Query().Get("plan_hash"),
		})
		return write(w, r, v, err)
	}
}

func (s *server) jobs() handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		limit, err := query(r, "limit", 0, strconv.Atoi)
		if err != nil {
			return err
		}
		v, err := s.b.Jobs(r.Context(), limit)
		return write(w, r, v, err)
	}
}

func (s *server) job() handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := jobID(r)
		if err != nil {
			return err
		}
		v, err := s.b.Job(r.Context(), id)
		return write(w, r, v, err)
	}
}

func (s *server) stopJob(w http.ResponseWriter, r *http.Request) error {
	id, err := jobID(r)
	if err != nil {
		return err
	}
	return write(w, r, none{}, s.b.StopJob(r.Context(), id))
}

func jobID(r *http.Request) (appliance.JobID, error) {
	id, err := parseInt64(r.PathValue("id"))
	if err != nil || id < 1 {
		return 0, invalidValue("id", r.PathValue("id"), err)
	}
	return appliance.JobID(id), nil
}

// query reads one query parameter; unset keeps the value for unset.
func query[T any](r *http.Request, key string, unset T, parse func(string) (T, error)) (T, error) {
	s := r.URL.Query().Get(key)
	if s == "" {
		return unset, nil
	}
	v, err := parse(s)
	if err != nil {
		return unset, invalidValue(key, s, err)
	}
	return v, nil
}

func parseInt64(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

func invalidValue(key, value string, err error) error {
	return &problem.Problem{
		Code: "value-invalid", Kind: problem.Invalid,
		What: fmt.Sprintf("%q is not a value for %s", value, key),
		Next: []string{"see docs/reference/control-api.md"}, Err: err,
	}
}
