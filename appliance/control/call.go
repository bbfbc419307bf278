// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"coopkit/appliance"
)

// area is the calls of one part of the agent, in the order of the reference
// page.
type area[B any] struct {
	part   func(Agent) B
	routes []route
}

// handler serves one route; its error becomes a problem document.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is a call as the server and the reference page see it.
type route struct {
	method, path, does string

	params, answer reflect.Type // answer is nil for a stream of text
	serve          func(Agent) handler
}

// none is the parameter of a call that takes nothing, and the answer of one
// that has nothing to say.
type none struct{}

// call is one call of the API with parameters of type P and an answer of type
// R. Its declaration is all there is to say of it: the server answers it with
// the method that it names, the client makes it with do.
type call[P, R any] struct{ method, path string }

// get declares a question.
func get[B, P, R any](a *area[B], path, does string, do func(B, context.Context, P) (R, error)) call[P, R] {
	return declare(a, http.MethodGet, path, does, do)
}

// post declares a change, or a question whose parameters are too many for a path.
func post[B, P, R any](a *area[B], path, does string, do func(B, context.Context, P) (R, error)) call[P, R] {
	return declare(a, http.MethodPost, path, does, do)
}

// put declares a change that sets the whole of something.
func put[B, P, R any](a *area[B], path, does string, do func(B, context.Context, P) (R, error)) call[P, R] {
	return declare(a, http.MethodPut, path, does, do)
}

// del declares a removal.
func del[B, P, R any](a *area[B], path, does string, do func(B, context.Context, P) (R, error)) call[P, R] {
	return declare(a, http.MethodDelete, path, does, do)
}

// bare is a method without parameters, as the declarations want it.
func bare[B, R any](do func(B, context.Context) (R, error)) func(B, context.Context, none) (R, error) {
	return func(b B, ctx context.Context, _ none) (R, error) { return do(b, ctx) }
}

// silent is a method without an answer, as the declarations want it.
func silent[B, P any](do func(B, context.Context, P) error) func(B, context.Context, P) (none, error) {
	return func(b B, ctx context.Context, p P) (none, error) { return none{}, do(b, ctx, p) }
}

func declare[B, P, R any](a *area[B], method, path, does string, do func(B, context.Context, P) (R, error)) call[P, R] {
	add[B, P](a, method, path, does, reflect.TypeFor[R](), func(b B, w http.ResponseWriter, r *http.Request, p P) error {
		v, err := do(b, r.Context(), p)
		return write(w, r, v, err)
	})
	return call[P, R]{method, path}
}

// add adds a route that reads its parameters and hands them to serve.
func add[B, P any](a *area[B], method, path, does string, answer reflect.Type, serve func(B, http.ResponseWriter, *http.Request, P) error) {
	part := a.part
	a.routes = append(a.routes, route{
		method: method, path: path, does: does, params: reflect.TypeFor[P](), answer: answer,
		serve: func(agent Agent) handler {
			b := part(agent)
			return func(w http.ResponseWriter, r *http.Request) error {
				var p P
				if err := readParams(w, r, path, reflect.ValueOf(&p).Elem()); err != nil {
					return err
				}
				return serve(b, w, r, p)
			}
		},
	})
}

// do makes the call.
func (call call[P, R]) do(ctx context.Context, c *client, p P) (R, error) {
	var v R
	q, err := writeParams(call.method, call.path, reflect.ValueOf(p))
	if err != nil {
		return v, err
	}
	return v, c.decode(ctx, q, &v)
}

// write answers v, or hands err back. A job that a request started is 202. A
// list without entries is written as one, not as nothing.
func write(w http.ResponseWriter, r *http.Request, v any, err error) error {
	if err != nil {
		return err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if list := reflect.ValueOf(v); list.Kind() == reflect.Slice && list.Len() == 0 {
		data = []byte("[]")
	}
	w.Header().Set("Content-Type", typeJSON)
	if _, job := v.(appliance.Job); job && r.Method != http.MethodGet {
		w.WriteHeader(http.StatusAccepted)
	}
	_, err = w.Write(append(data, '\n'))
	return err
}
