// SPDX-License-Identifier: AGPL-3.0-or-later

package localrpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"coopkit/internal/problem"
)

// The parameters of a call are one value: a struct, whose fields are called as
// their json tags say, or for the one part of a path a string or a number. What
// the path has room for goes there; the rest into the query of GET and DELETE,
// and into a JSON body of POST and PUT.

// maxBody is the size limit of a JSON body. Sites come as streams without one.
const maxBody = 1 << 20

var wildcard = regexp.MustCompile(`\{[a-z_]+\}`)

// fields are those of a struct of parameters that are not in the path.
func fields(path string, t reflect.Type) (names []string) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		if name := nameOf(f); !strings.Contains(path, "{"+name+"}") {
			names = append(names, name)
		}
	}
	return names
}

func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func hasBody(method string) bool { return method == http.MethodPost || method == http.MethodPut }

// readParams fills p from a request to path.
func readParams(w http.ResponseWriter, r *http.Request, path string, p reflect.Value) error {
	if p.Kind() != reflect.Struct {
		name := strings.Trim(wildcard.FindString(path), "{}")
		return set(p, name, r.PathValue(name))
	}
	rest := fields(path, p.Type())
	if hasBody(r.Method) && len(rest) > 0 {
		if err := decode(w, r, p.Addr().Interface()); err != nil {
			return err
		}
		rest = nil
	}
	query := r.URL.Query()
	for i := range p.NumField() {
		name := nameOf(p.Type().Field(i))
		text := query.Get(name)
		if strings.Contains(path, "{"+name+"}") {
			text = r.PathValue(name)
		} else if text == "" || !slices.Contains(rest, name) {
			continue
		}
		if err := set(p.Field(i), name, text); err != nil {
			return err
		}
	}
	return nil
}

// set reads text into a string, a number or a truth value.
func set(v reflect.Value, name, text string) error {
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
	default:
		err = fmt.Errorf("a %s has no place in a path or query", v.Type())
	}
	if err != nil {
		return &problem.Problem{
			Code: "value-invalid", Kind: problem.Invalid,
			What: fmt.Sprintf("%q is not a value for %s", text, name),
			Next: []string{"see docs/reference/control-api.md"}, Err: err,
		}
	}
	return nil
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
		What: "the request cannot be read",
		Why:  "its body is not the JSON document that is expected here",
		Next: []string{"see docs/reference/control-api.md"}, Err: err,
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		p.Why = fmt.Sprintf("its body is larger than %d bytes", maxBody)
	}
	return p
}

// request is a call on its way: what http.NewRequest needs.
type request struct {
	method, path string
	query        url.Values
	body         io.Reader
	contentType  string
}

// writeParams puts p where the call wants it.
func writeParams(method, path string, p reflect.Value) (request, error) {
	q := request{method: method, path: path, query: url.Values{}}
	if p.Kind() != reflect.Struct {
		q.path = wildcard.ReplaceAllLiteralString(path, url.PathEscape(fmt.Sprint(p)))
		return q, nil
	}
	rest := fields(path, p.Type())
	for i := range p.NumField() {
		name, text := nameOf(p.Type().Field(i)), fmt.Sprint(p.Field(i))
		if !slices.Contains(rest, name) {
			q.path = strings.Replace(q.path, "{"+name+"}", url.PathEscape(text), 1)
		} else if !hasBody(method) && !p.Field(i).IsZero() {
			q.query.Set(name, text)
		}
	}
	if hasBody(method) && len(rest) > 0 {
		data, err := json.Marshal(p.Interface())
		if err != nil {
			return q, fmt.Errorf("encode request: %w", err)
		}
		q.body, q.contentType = bytes.NewReader(data), typeJSON
	}
	return q, nil
}
