// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
)

// textCall is a call whose answer is a stream of text.
type textCall[P any] struct{ path string }

// text declares one. The first byte decides: an error before it is a problem
// document, an error after it comes in the trailer.
func text[B, P any](a *area[B], path, does string, do func(B, context.Context, P, io.Writer) error) textCall[P] {
	add[B, P](a, http.MethodGet, path, does, nil, func(b B, w http.ResponseWriter, r *http.Request, p P) error {
		return do(b, r.Context(), p, newStream(w, typeText))
	})
	return textCall[P]{path}
}

func (call textCall[P]) do(ctx context.Context, c *client, p P, w io.Writer) error {
	q, err := writeParams(http.MethodGet, call.path, reflect.ValueOf(p))
	if err != nil {
		return err
	}
	return c.stream(ctx, q, func(body io.Reader) error {
		_, err := io.Copy(w, body)
		return err
	})
}

// linesCall is a call whose answer is a stream of JSON lines.
type linesCall[P, E any] struct{ path string }

// lines declares one; each line is flushed.
func lines[B, P, E any](a *area[B], path, does string, do func(B, context.Context, P, func(E) error) error) linesCall[P, E] {
	add[B, P](a, http.MethodGet, path, does, reflect.TypeFor[E](), func(b B, w http.ResponseWriter, r *http.Request, p P) error {
		out := json.NewEncoder(newStream(w, typeLines))
		return do(b, r.Context(), p, func(e E) error { return out.Encode(e) })
	})
	return linesCall[P, E]{path}
}

func (call linesCall[P, E]) do(ctx context.Context, c *client, p P, each func(E) error) error {
	q, err := writeParams(http.MethodGet, call.path, reflect.ValueOf(p))
	if err != nil {
		return err
	}
	return c.stream(ctx, q, func(body io.Reader) error {
		d := json.NewDecoder(body)
		for {
			var e E
			err := d.Decode(&e)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read line: %w", err)
			}
			if err := each(e); err != nil {
				return err
			}
		}
	})
}

// uploadCall is a call whose body is a tar stream of any size.
type uploadCall[P, R any] struct{ path string }

// upload declares one. The part reads the body as it arrives. When it fails half
// way, the rest is read and dropped: closing on a client that still writes would
// lose the answer.
func upload[B, P, R any](a *area[B], path, does string, do func(B, context.Context, P, io.Reader) (R, error)) uploadCall[P, R] {
	add[B, P](a, http.MethodPut, path, does, reflect.TypeFor[R](), func(b B, w http.ResponseWriter, r *http.Request, p P) error {
		body := &noticed{Reader: r.Body}
		v, err := do(b, r.Context(), p, body)
		if err != nil && body.read {
			if _, drain := io.Copy(io.Discard, r.Body); drain != nil {
				err = errors.Join(err, fmt.Errorf("read the rest: %w", drain))
			}
		}
		return write(w, r, v, err)
	})
	return uploadCall[P, R]{path}
}

func (call uploadCall[P, R]) do(ctx context.Context, c *client, p P, body io.Reader) (R, error) {
	var v R
	q, err := writeParams(http.MethodPut, call.path, reflect.ValueOf(p))
	if err != nil {
		return v, err
	}
	q.body, q.contentType = io.NopCloser(body), typeTar // who opened it closes it
	return v, c.decode(ctx, q, &v)
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
