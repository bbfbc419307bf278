// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"reflect"

	"coopkit/internal/localrpc"
)

// Table is the table of the reference page: the request, what it does and its
// parameters.
func Table() (rows [][2]string) {
	for _, rt := range routes() {
		rows = append(rows, [2]string{rt.Method + " " + rt.Path, rt.Does + parameters(rt)})
	}
	return rows
}

// parameters are those that are not in the path.
func parameters(rt localrpc.Route[Agent]) (text string) {
	names, body := rt.Fields()
	for i, name := range names {
		switch {
		case i > 0:
			text += ", "
		case body:
			text = " Body: "
		default:
			text = " Query: "
		}
		text += "`" + name + "`"
	}
	if text != "" {
		text += "."
	}
	return text
}

// Types are the parameters and the answer of each request.
func Types() map[string][]reflect.Type {
	all := map[string][]reflect.Type{}
	for _, rt := range routes() {
		all[rt.Method+" "+rt.Path] = []reflect.Type{rt.Params}
		if rt.Answer != nil {
			all[rt.Method+" "+rt.Path] = append(all[rt.Method+" "+rt.Path], rt.Answer)
		}
	}
	return all
}
