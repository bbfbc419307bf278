// SPDX-License-Identifier: AGPL-3.0-or-later

// Package rfc9457 is how problems go over HTTP: the status of each kind, and
// the JSON document of RFC 9457. The control API and a desk answer with it, and
// who asks them reads it. It knows no routes and logs nothing. Its tests
// compare the bytes.
package rfc9457

import (
	"encoding/json"
	"net/http"

	"coopkit/internal/problem"
)

// ContentType is that of a Document.
const ContentType = "application/problem+json"

// Document is a problem as RFC 9457 wants it: the registered members beside
// ours. Kind says more than Status can.
type Document struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Instance string       `json:"instance,omitempty"` // the request's id, also in the log
	Code     string       `json:"code"`
	Kind     problem.Kind `json:"kind"`
	Why      string       `json:"why,omitempty"`
	Next     []string     `json:"next"`
	// Args are the values in the sentences, by name.
	Args map[string]string `json:"args,omitempty"`
}

// From returns the public fields of p, the answer to the request id.
func From(p *problem.Problem, id string) Document {
	d := Document{
		Type: "urn:coopkit:problem:" + p.Code, Title: p.What, Status: Status(p.Kind), Instance: "urn:coopkit:request:" + id,
		Code: p.Code, Kind: p.Kind, Why: p.Why, Next: p.Next, Args: p.Args,
	}
	if d.Next == nil {
		d.Next = []string{}
	}
	return d
}

// Problem returns the problem that the document is about.
func (d Document) Problem() *problem.Problem {
	return &problem.Problem{Code: d.Code, Kind: d.Kind, What: d.Title, Why: d.Why, Next: d.Next, Args: d.Args}
}

// Write answers with the document, whose Status may differ from that of its
// Kind.
func (d Document) Write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", ContentType)
	w.WriteHeader(d.Status)
	_ = json.NewEncoder(w).Encode(d) // the caller may be gone
}

// Status is the status of a kind of problem; of one that has none of its own,
// 500.
func Status(k problem.Kind) int {
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
