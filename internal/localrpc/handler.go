// SPDX-License-Identifier: AGPL-3.0-or-later

package localrpc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"coopkit/internal/answered"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/rfc9457"
	"coopkit/internal/supervise"
)

// Server is what answers the calls of a program of type A.
type Server[A any] struct {
	Program string // what it is called: agent, desk
	Log     *slog.Logger
	Routes  []Route[A]
	// Started reports whether an answer stands for work that was only begun, which
	// is said with status 202; nil: none does.
	Started func(answer any) bool
}

// Handler answers the calls of program. It is safe for concurrent use if the
// parts of program are.
func (s Server[A]) Handler(program A) http.Handler {
	mux := http.NewServeMux()
	for _, route := range s.Routes {
		mux.Handle(route.Method+" "+route.Path, s.handle(route.serve(program)))
	}
	mux.Handle("/", s.handle(func(_ http.ResponseWriter, r *http.Request) (any, error) { return nil, s.unknown(r) }))
	return mux
}

func (s Server[A]) unknown(r *http.Request) error {
	return &problem.Problem{
		Code: "request-unknown", Kind: problem.NotFound,
		What: "the " + s.Program + " does not know the request " + strconv.Quote(r.Method+" "+r.URL.Path),
		Why:  "the command and the program that it asks may be of different versions",
		Next: []string{"compare “coopkit version” with “coopkit status”", "restart the program, so that it is of the version that is installed"},
	}
}

// handle is the only place where a value or an error becomes an answer, and
// where a request is logged: changes for everyone to see, questions for us.
func (s Server[A]) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, began := requestID(), time.Now()
		out := &answered.Writer{ResponseWriter: w}
		err := supervise.Recovered(func() error {
			v, err := h(out, r)
			if err != nil || v == nil {
				return err
			}
			return s.answer(out, r, v)
		})
		if r.Context().Err() != nil { // the caller has gone, or the program stops
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
			defer fail(out, rfc9457.From(p, id)) // after the log line, so that who quotes the id finds it
		}
		s.Log.LogAttrs(r.Context(), level, "request", attrs...)
	})
}

// answer writes v. A list without entries is written as one, not as nothing.
func (s Server[A]) answer(w http.ResponseWriter, r *http.Request, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if list := reflect.ValueOf(v); list.Kind() == reflect.Slice && list.Len() == 0 {
		data = []byte("[]")
	}
	w.Header().Set("Content-Type", typeJSON)
	if r.Method != http.MethodGet && s.Started != nil && s.Started(v) {
		w.WriteHeader(http.StatusAccepted)
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

func requestID() string { return rand.Text()[:12] }

// fail answers with the document, or puts it in the trailer of a stream.
func fail(w *answered.Writer, d rfc9457.Document) {
	if w.Status == 0 {
		d.Write(w)
		return
	}
	if data, err := json.Marshal(d); err == nil { // it has nothing that cannot be encoded
		w.Header().Set(http.TrailerPrefix+problemTrailer, string(data))
	}
}
