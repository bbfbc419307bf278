// SPDX-License-Identifier: AGPL-3.0-or-later

package localrpc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
)

// TextCall is a call whose answer is a stream of text or of other bytes.
type TextCall[P any] struct{ path string }

// Text declares one. The first byte decides: an error before it is a problem
// document, an error after it comes in the trailer.
func Text[A, B, P any](a *Area[A, B], path, does string, do func(B, context.Context, P, io.Writer) error) TextCall[P] {
	add(a, http.MethodGet, path, does, nil, func(b B, w http.ResponseWriter, r *http.Request, p P) (any, error) {
		return nil, do(b, r.Context(), p, newStream(w, typeText))
	})
	return TextCall[P]{path}
}

// Download declares a call whose answer is a file of any size. Errors are said as
// Text says them.
func Download[A, B, P any](a *Area[A, B], path, does string, do func(B, context.Context, P, io.Writer) error) TextCall[P] {
	add(a, http.MethodGet, path, does, nil, func(b B, w http.ResponseWriter, r *http.Request, p P) (any, error) {
		out := bufio.NewWriterSize(newStream(w, typeBytes), 64<<10)
		err := do(b, r.Context(), p, out)
		return nil, errors.Join(err, out.Flush())
	})
	return TextCall[P]{path}
}

// Do makes the call and copies what is answered to w as it comes.
func (call TextCall[P]) Do(ctx context.Context, c *Client, p P, w io.Writer) error {
	q, err := writeParams(http.MethodGet, call.path, reflect.ValueOf(p))
	if err != nil {
		return err
	}
	return c.stream(ctx, q, func(body io.Reader) error {
		_, err := io.Copy(w, body)
		return err
	})
}

// LinesCall is a call whose answer is a stream of JSON lines.
type LinesCall[P, E any] struct{ path string }

// Lines declares one; each line is flushed.
func Lines[A, B, P, E any](a *Area[A, B], path, does string, do func(B, context.Context, P, func(E) error) error) LinesCall[P, E] {
	add(a, http.MethodGet, path, does, reflect.TypeFor[E](), func(b B, w http.ResponseWriter, r *http.Request, p P) (any, error) {
		out := json.NewEncoder(newStream(w, typeLines))
		return nil, do(b, r.Context(), p, func(e E) error { return out.Encode(e) })
	})
	return LinesCall[P, E]{path}
}

// Do makes the call and hands each line over as it comes, until there are no
// more or each gives an error.
func (call LinesCall[P, E]) Do(ctx context.Context, c *Client, p P, each func(E) error) error {
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

// UploadCall is a call whose body is a stream of any size.
type UploadCall[P, R any] struct{ path string }

// Upload declares one. The part reads the body as it arrives. When it fails
// partway, the rest is read and dropped: closing on a client that still writes would
// lose the answer.
func Upload[A, B, P, R any](a *Area[A, B], path, does string, do func(B, context.Context, P, io.Reader) (R, error)) UploadCall[P, R] {
	add(a, http.MethodPut, path, does, reflect.TypeFor[R](), func(b B, _ http.ResponseWriter, r *http.Request, p P) (any, error) {
		body := &noticed{Reader: r.Body}
		v, err := do(b, r.Context(), p, body)
		if err != nil && body.read {
			if _, drain := io.Copy(io.Discard, r.Body); drain != nil {
				err = errors.Join(err, fmt.Errorf("read the rest: %w", drain))
			}
		}
		return v, err
	})
	return UploadCall[P, R]{path}
}

// Do makes the call with a body that it reads to its end and leaves open.
func (call UploadCall[P, R]) Do(ctx context.Context, c *Client, p P, body io.Reader) (R, error) {
	var v R
	q, err := writeParams(http.MethodPut, call.path, reflect.ValueOf(p))
	if err != nil {
		return v, err
	}
	q.body, q.contentType = io.NopCloser(body), typeBytes // who opened it closes it
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
