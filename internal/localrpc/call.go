// SPDX-License-Identifier: AGPL-3.0-or-later

// Package localrpc is how a command asks a program of ours that runs on the same
// machine: HTTP over a unix socket, where a call is declared once, with method,
// path, types, meaning and what does it. Server, client and reference page come
// from the declaration; problems cross the socket as RFC 9457. It knows neither
// programs nor calls. Its tests make calls of every sort over a real socket.
package localrpc

import (
	"context"
	"net/http"
	"reflect"
)

// Area is the calls of one part, of type B, of a program of type A, in the order
// of the reference page.
type Area[A, B any] struct {
	Part   func(A) B
	Routes []Route[A]
}

// Route is a call as the server and the reference page see it.
type Route[A any] struct {
	Method, Path, Does string

	// The types of what it takes and answers; Answer is nil for a stream of text.
	Params, Answer reflect.Type

	serve func(A) handler
}

// Fields are the parameters that are not in the path, and whether they are in
// the body, or else in the query.
func (r Route[A]) Fields() (names []string, body bool) {
	return fields(r.Path, r.Params), hasBody(r.Method)
}

// handler serves one route. A value is the answer; nil and no error mean that
// the answer is written already.
type handler func(w http.ResponseWriter, r *http.Request) (any, error)

// None is the parameter of a call that takes nothing, and the answer of one that
// has nothing to say.
type None struct{}

// Call is one call with parameters of type P and an answer of type R: the server
// answers it with the method that its declaration names, the client makes it
// with Do.
type Call[P, R any] struct{ method, path string }

// Get declares a question.
func Get[A, B, P, R any](a *Area[A, B], path, does string, do func(B, context.Context, P) (R, error)) Call[P, R] {
	return declare(a, http.MethodGet, path, does, do)
}

// Post declares a change, or a question whose parameters are too many for a path.
func Post[A, B, P, R any](a *Area[A, B], path, does string, do func(B, context.Context, P) (R, error)) Call[P, R] {
	return declare(a, http.MethodPost, path, does, do)
}

// Put declares a change that sets the whole of something.
func Put[A, B, P, R any](a *Area[A, B], path, does string, do func(B, context.Context, P) (R, error)) Call[P, R] {
	return declare(a, http.MethodPut, path, does, do)
}

// Delete declares a removal.
func Delete[A, B, P, R any](a *Area[A, B], path, does string, do func(B, context.Context, P) (R, error)) Call[P, R] {
	return declare(a, http.MethodDelete, path, does, do)
}

// Bare is a method without parameters, as the declarations want it.
func Bare[B, R any](do func(B, context.Context) (R, error)) func(B, context.Context, None) (R, error) {
	return func(b B, ctx context.Context, _ None) (R, error) { return do(b, ctx) }
}

// Silent is a method without an answer, as the declarations want it.
func Silent[B, P any](do func(B, context.Context, P) error) func(B, context.Context, P) (None, error) {
	return func(b B, ctx context.Context, p P) (None, error) { return None{}, do(b, ctx, p) }
}

func declare[A, B, P, R any](a *Area[A, B], method, path, does string, do func(B, context.Context, P) (R, error)) Call[P, R] {
	add(a, method, path, does, reflect.TypeFor[R](), func(b B, _ http.ResponseWriter, r *http.Request, p P) (any, error) {
		return do(b, r.Context(), p)
	})
	return Call[P, R]{method, path}
}

// add adds a route that reads its parameters and hands them to serve.
func add[A, B, P any](a *Area[A, B], method, path, does string, answer reflect.Type, serve func(B, http.ResponseWriter, *http.Request, P) (any, error)) {
	part := a.Part
	a.Routes = append(a.Routes, Route[A]{
		Method: method, Path: path, Does: does, Params: reflect.TypeFor[P](), Answer: answer,
		serve: func(program A) handler {
			b := part(program)
			return func(w http.ResponseWriter, r *http.Request) (any, error) {
				var p P
				if err := readParams(w, r, path, reflect.ValueOf(&p).Elem()); err != nil {
					return nil, err
				}
				return serve(b, w, r, p)
			}
		},
	})
}

// Do makes the call.
func (call Call[P, R]) Do(ctx context.Context, c *Client, p P) (R, error) {
	var v R
	q, err := writeParams(call.method, call.path, reflect.ValueOf(p))
	if err != nil {
		return v, err
	}
	return v, c.decode(ctx, q, &v)
}
