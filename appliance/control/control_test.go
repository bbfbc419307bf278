// SPDX-License-Identifier: AGPL-3.0-or-later

package control_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

// serve serves h at a socket until the test ends.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	socket := filepath.Join(shortDir(t), "coopkit.sock")
	ln, err := control.Listen(socket, -1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- control.Serve(ctx, ln, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return socket
}

// shortDir is a temporary folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ck") //nolint:usetesting // t.TempDir is longer than a socket path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// siteTar is a site of one file.
func siteTar(text string) io.Reader {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Name: "index.html", Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg})
	_, err2 := io.WriteString(w, text)
	if err := errors.Join(err, err2, w.Close()); err != nil { // a buffer takes everything
		panic(err)
	}
	return &b
}

// TestTypes_loseNothing: what parameters and answers have reaches the other end.
func TestTypes_loseNothing(t *testing.T) {
	seen := map[reflect.Type]bool{
		reflect.TypeFor[time.Time](): true, reflect.TypeFor[recipes.Recipe](): true, // its files stay with the agent
	}
	var visit func(path string, typ reflect.Type)
	visit = func(path string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
			visit(path, typ.Elem())
		case reflect.Struct:
			if seen[typ] || reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
				return
			}
			seen[typ] = true
			for f := range typ.Fields() {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				private := typ == reflect.TypeFor[problem.Problem]() && f.Name == "Err" // logged, never shown
				if (name == "" && !f.Anonymous || name == "-" || !f.IsExported()) && !private {
					t.Errorf("%s.%s (%s) is lost on the way", path, f.Name, typ)
				}
				visit(path+"."+f.Name, f.Type)
			}
		default: // a value of its own
		}
	}
	for request, types := range control.Types() {
		for _, typ := range types {
			visit(request, typ)
		}
	}
}

// failing are parts of which nothing works.
type (
	failingBox struct {
		control.Box
		err error
	}
	failingApps struct {
		control.Apps
		err error
	}
	failingJobs struct {
		control.Jobs
		err error
	}
	failingSites struct {
		control.Sites
		err error
	}
)

func (f failingBox) Status(context.Context) (appliance.Status, error) {
	return appliance.Status{}, f.err
}

func (f failingApps) Logs(_ context.Context, _ appliance.AppLogs, w io.Writer) error {
	_, err := io.WriteString(w, "half a line")
	return errors.Join(err, f.err)
}

func (f failingJobs) Follow(_ context.Context, _ appliance.JobID, _ int64, each func(appliance.JobEvent) error) error {
	return errors.Join(each(appliance.JobEvent{Seq: 1}), f.err)
}

func (f failingSites) Receive(_ context.Context, _ string, tar io.Reader) (appliance.Draft, error) {
	_, err := io.CopyN(io.Discard, tar, 1)
	return appliance.Draft{}, errors.Join(err, f.err)
}

// TestClient_problemsOfEveryKindOfCall: what goes wrong on the far side arrives
// as it was, also in the middle of a stream, but for its private cause.
func TestClient_problemsOfEveryKindOfCall(t *testing.T) {
	want := &problem.Problem{
		Code: "half-done", Kind: problem.Partial, What: "“half” is done", Why: "a test says so\nin two lines",
		Next: []string{"look", "look again"}, Args: map[string]string{"host": "café.example"}, Err: errors.New("secret cause"),
	}
	log := &logged{}
	a := control.NewClient(serve(t, control.Handler(control.Agent{
		Box: failingBox{err: want}, Apps: failingApps{err: want}, Jobs: failingJobs{err: want}, Sites: failingSites{err: want},
	}, slog.New(slog.NewJSONHandler(log, nil)))))
	for name, do := range map[string]func(ctx context.Context) error{
		"answer": func(ctx context.Context) error { return says(a.Box.Status(ctx)) },
		"text":   func(ctx context.Context) error { return a.Apps.Logs(ctx, appliance.AppLogs{Name: "blog"}, io.Discard) },
		"lines": func(ctx context.Context) error {
			return a.Jobs.Follow(ctx, 1, 0, func(appliance.JobEvent) error { return nil })
		},
		"upload": func(ctx context.Context) error { return says(a.Sites.Receive(ctx, "amara", strings.NewReader("tar"))) },
	} {
		err := do(t.Context())
		if d := gocmp.Diff(want, problem.From(err, ""), cmpopts.IgnoreFields(problem.Problem{}, "Err")); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if err != nil && strings.Contains(err.Error(), "secret cause") {
			t.Errorf("%s: the private cause crossed the socket: %v", name, err)
		}
	}
	if !strings.Contains(log.String(), "secret cause") {
		t.Error("the private cause is not in the agent's log")
	}
}

// TestReceive_leavesTheReaderOpen: who opened what is pushed closes it.
func TestReceive_leavesTheReaderOpen(t *testing.T) {
	r := &closer{Reader: siteTar("hello")}
	if _, err := agenttest.New(t).Agent().Sites.Receive(t.Context(), "amara", r); err != nil || r.closed {
		t.Errorf("closed: %v, %v", r.closed, err)
	}
}

type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error {
	c.closed = true
	return nil
}

func TestHandler_unforeseenErrorIsLoggedWithTheIDThatTheCallerSees(t *testing.T) {
	log := &logged{}
	far := failingBox{err: errors.New("a wire came loose")}
	_, err := control.NewClient(serve(t, control.Handler(control.Agent{Box: far}, slog.New(slog.NewJSONHandler(log, nil))))).Box.Status(t.Context())
	p := problem.From(err, "")
	if p.Code != "unexpected" || strings.Contains(p.What, "wire") {
		t.Fatalf("%+v", p)
	}
	_, id, _ := strings.Cut(p.What, "(")
	id = strings.TrimSuffix(id, ")")
	if log := log.String(); id == "" || !strings.Contains(log, `"request_id":"`+id+`"`) || !strings.Contains(log, "a wire came loose") {
		t.Errorf("id %q is not in the log: %s", id, log)
	}
}

func TestHandler_panicBecomesAnAnswer(t *testing.T) {
	socket := serve(t, control.Handler(control.Agent{}, discard()))
	_, err := control.NewClient(socket).Box.Status(t.Context())
	if !errors.Is(err, &problem.Problem{Code: "unexpected"}) {
		t.Fatal(err)
	}
}

func TestHandler_refusesBadRequests(t *testing.T) {
	socket := agenttest.New(t).Socket
	hc := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	for _, c := range []struct {
		name, method, path, body, code string
		status                         int
	}{
		{"unknown field", "POST", "/v1/apps", `{"recipe":"wordpress","colour":"red"}`, "request-invalid", 400},
		{"not JSON", "POST", "/v1/apps", `recipe=wordpress`, "request-invalid", 400},
		{"empty", "POST", "/v1/apps", ``, "request-invalid", 400},
		{"two documents", "POST", "/v1/apps", `{} {}`, "request-invalid", 400},
		{"too large", "POST", "/v1/apps", `{"recipe":"` + strings.Repeat("x", 2<<20) + `"}`, "request-invalid", 400},
		{"unknown path", "GET", "/v2/apps", ``, "request-unknown", 404},
		{"wrong method", "PATCH", "/v1/apps", `{}`, "request-unknown", 404},
		{"limit is no number", "GET", "/v1/jobs?limit=all", ``, "value-invalid", 400},
		{"job is no number", "GET", "/v1/jobs/last", ``, "value-invalid", 400},
		{"follow is no bool", "GET", "/v1/apps/wordpress/logs?follow=perhaps", ``, "value-invalid", 400},
		{"no such app", "GET", "/v1/apps/wordpress", ``, "install-unknown", 404},
		{"slash in a name", "GET", "/v1/apps/a%2Fb", ``, "install-unknown", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, "http://agent"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := hc.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status || !strings.Contains(string(body), `"code":"`+c.code+`"`) ||
				resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s: %d %s %s", c.method, c.path, resp.StatusCode, resp.Header.Get("Content-Type"), body)
			}
		})
	}
}

func TestClient_eventsArriveWhileTheJobRuns(t *testing.T) {
	box := agenttest.New(t)
	box.Hold()
	job, err := box.Agent().Recipes.RefreshImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen, ended := make(chan appliance.JobEvent, 100), make(chan error, 1)
	go func() {
		ended <- box.Agent().Jobs.Follow(t.Context(), job.ID, 0, func(e appliance.JobEvent) error { seen <- e; return nil })
	}()
	if e := <-seen; e.Seq != 1 || e.State != appliance.StepRunning {
		t.Fatalf("first event: %+v", e)
	}
	testkit.Eventually(t, waitLimit, "nobody follows", func() bool { return box.Following() == 1 })
	box.Release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	close(seen)
	var last appliance.JobEvent
	for e := range seen {
		last = e
	}
	if last.End != appliance.JobDone {
		t.Errorf("last event: %+v", last)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// logged is a log that may be read while it is written.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
