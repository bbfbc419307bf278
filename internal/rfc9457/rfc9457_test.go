// SPDX-License-Identifier: AGPL-3.0-or-later

package rfc9457_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/problem"
	"coopkit/internal/rfc9457"
)

func TestDocument_isWhatTheReferenceSays(t *testing.T) {
	full := problem.Problem{
		Code: "name-taken", Kind: problem.Conflict, What: "www.demo.coop is taken", Why: "the app «café» has it", Next: []string{"choose <another>"},
		Args: map[string]string{"host": "www.demo.coop"},
	}
	for name, c := range map[string]struct {
		of     problem.Problem
		status int
		want   string
	}{
		"full": {full, 409, `{"type":"urn:coopkit:problem:name-taken","title":"www.demo.coop is taken","status":409,"instance":"urn:coopkit:request:ABC",` +
			`"code":"name-taken","kind":"conflict","why":"the app «café» has it","next":["choose \u003canother\u003e"],"args":{"host":"www.demo.coop"}}` + "\n"},
		"short": {problem.Problem{Code: "odd", What: "it is odd"}, 500, `{"type":"urn:coopkit:problem:odd","title":"it is odd","status":500,"instance":"urn:coopkit:request:ABC",` +
			`"code":"odd","kind":"","next":[]}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			c.of.Err = errors.New("private")
			rfc9457.From(&c.of, "ABC").Write(rec)
			if diff := cmp.Diff(c.want, rec.Body.String()); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if rec.Code != c.status || rec.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("status %d, header %v", rec.Code, rec.Header())
			}
		})
	}
}

func TestProblem_comesBackWithoutItsPrivateCause(t *testing.T) {
	sent := &problem.Problem{Code: "a", Kind: problem.Partial, What: "b", Why: "c", Next: []string{"d"}, Args: map[string]string{"e": "f"}, Err: errors.New("private")}
	data, err := json.Marshal(rfc9457.From(sent, "ABC"))
	if err != nil {
		t.Fatal(err)
	}
	var d rfc9457.Document
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	want := *sent
	want.Err = nil
	if diff := cmp.Diff(&want, d.Problem()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStatus_ofEachKind(t *testing.T) {
	for kind, want := range map[problem.Kind]int{
		problem.Invalid: 400, problem.NotFound: 404, problem.Conflict: 409, problem.Cancelled: 409, problem.Forbidden: 403,
		problem.Unavailable: 503, problem.Failed: 500, problem.Partial: 500, "": 500, "of a newer version": 500,
	} {
		if got := rfc9457.Status(kind); got != want {
			t.Errorf("%q: %d, want %d", kind, got, want)
		}
	}
}
