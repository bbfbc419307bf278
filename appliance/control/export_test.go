// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import "reflect"

// Table is the table of the reference page: the request, what it does and its
// parameters.
func Table() (rows [][2]string) {
	for _, rt := range routes() {
		rows = append(rows, [2]string{rt.method + " " + rt.path, rt.does + parameters(rt)})
	}
	return rows
}

// parameters are those that are not in the path.
func parameters(rt route) (text string) {
	for i, name := range params(rt.path, rt.params) {
		switch {
		case i > 0:
			text += ", "
		case hasBody(rt.method):
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
		all[rt.method+" "+rt.path] = []reflect.Type{rt.params}
		if rt.answer != nil {
			all[rt.method+" "+rt.path] = append(all[rt.method+" "+rt.path], rt.answer)
		}
	}
	return all
}
