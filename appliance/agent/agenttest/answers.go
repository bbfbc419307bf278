// SPDX-License-Identifier: AGPL-3.0-or-later

package agenttest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
	"coopkit/internal/rfc9457"
)

// answer is what a request gets instead of what the agent says.
type answer func(w http.ResponseWriter, r *http.Request, real http.Handler)

// Answer makes requests such as "GET /v1/desk" be answered with v.
func (b *Box) Answer(request string, v any) {
	b.set(request, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { writeJSON(w, v) })
}

// Fail makes requests such as "GET /v1/desk" fail with err, or with nil be
// answered by the agent again. A path that ends in / means all below it.
func (b *Box) Fail(request string, err error) {
	if err == nil {
		b.set(request, nil)
		return
	}
	b.set(request, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		rfc9457.From(problem.From(err, "test"), "test").Write(w)
	})
}

// Change makes the answers to a request be what change makes of them.
func Change[T any](b *Box, request string, change func(*T)) {
	b.set(request, func(w http.ResponseWriter, r *http.Request, real http.Handler) {
		rec := httptest.NewRecorder()
		real.ServeHTTP(rec, r)
		var v T
		if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
			rfc9457.From(problem.From(err, "test"), "test").Write(w)
			return
		}
		change(&v)
		writeJSON(w, v)
	})
}

// Find makes the checks have found these, a minute ago.
func (b *Box) Find(findings ...appliance.Finding) {
	r := appliance.Report{At: Began.Add(-time.Minute), Checks: 12, Findings: findings}
	if findings == nil {
		r.Findings = []appliance.Finding{}
	}
	worst := r.Worst()
	b.found(r, &worst)
}

// Unlooked makes the agent one whose checks have not looked yet, until Find.
func (b *Box) Unlooked() { b.found(appliance.Report{Checks: 12, Findings: []appliance.Finding{}}, nil) }

func (b *Box) found(r appliance.Report, worst *appliance.Severity) {
	b.Answer("GET /v1/findings", r)
	now := r
	now.At = Began
	b.Answer("GET /v1/doctor", now)
	Change(b, "GET /v1/status", func(s *appliance.Status) { s.Worst, s.Looked = worst, r.At })
}

func (b *Box) set(request string, a answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a == nil {
		delete(b.answers, request)
		return
	}
	b.answers[request] = a
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// intercept is what a Box does about the requests to its agent.
func (b *Box) intercept(real http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		a := b.answers[r.Method+" "+r.URL.Path]
		b.mu.Unlock()
		switch {
		case a != nil:
			a(w, r, real)
		case strings.HasSuffix(r.URL.Path, "/events"), r.URL.Query().Get("follow") == "true":
			b.count(1)
			defer b.count(-1)
			real.ServeHTTP(w, r)
		case r.Method == http.MethodGet:
			real.ServeHTTP(w, r)
		default:
			b.change(w, r, real)
		}
	})
}

func (b *Box) count(by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.following += by
}

// change has the agent do what a request asks for, and waits for the end of the
// job that it starts or stops.
func (b *Box) change(w http.ResponseWriter, r *http.Request, real http.Handler) {
	out := &tee{ResponseWriter: w, status: http.StatusOK}
	real.ServeHTTP(out, r)
	var job appliance.Job
	path, stopped := strings.CutSuffix(r.URL.Path, "/stop")
	switch {
	case stopped && strings.HasPrefix(path, "/v1/jobs/"):
		b.gate.nudge()
	case out.status == http.StatusAccepted && !b.gate.held() && json.Unmarshal(out.body.Bytes(), &job) == nil:
		path = "/v1/jobs/" + strconv.FormatInt(int64(job.ID), 10)
	default:
		return
	}
	limited, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	real.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(limited, http.MethodGet, path+"/events", nil))
}

// tee remembers what it writes.
type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (t *tee) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(p []byte) (int, error) {
	t.body.Write(p)
	return t.ResponseWriter.Write(p)
}

func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Reach makes these addresses reach as far as r says; all others are open to
// everybody. Name is what has to be switched over.
func (b *Box) Reach(r appliance.Reach, name string, hosts ...string) {
	Change(b, "GET /v1/reach", func(all *[]appliance.AddressReach) {
		for i, a := range *all {
			switch {
			case a.Reach == appliance.ReachClosed:
			case slices.Contains(hosts, a.Host.String()):
				(*all)[i].Reach, (*all)[i].Name = r, name
			default: // this box is on loopback
				(*all)[i].Reach = appliance.ReachOpen
			}
		}
	})
}
