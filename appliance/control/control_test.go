// SPDX-License-Identifier: AGPL-3.0-or-later

package control_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"coopkit/appliance"
	"coopkit/appliance/control"
	"coopkit/appliance/control/controltest"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

// rig is an agent on a real socket with a fake behind it.
type rig struct {
	fake    *controltest.Fake
	client  control.Agent
	socket  string
	log     *logged
	visited map[string]bool // patterns of routes that answered
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{fake: controltest.New(), log: &logged{}, visited: map[string]bool{}}
	var mu sync.Mutex
	h := control.Handler(r.fake.Agent(), slog.New(slog.NewJSONHandler(r.log, nil)))
	r.socket = serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		h.ServeHTTP(w, q)
		mu.Lock()
		defer mu.Unlock()
		r.visited[q.Pattern] = true
	}))
	r.client = control.NewClient(r.socket)
	return r
}

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

func siteTar(t *testing.T, files map[string]string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// calls makes every call of Backend in an order in which each succeeds on a
// fresh Fake, and returns what it answers. The fakes are those that are called.
func calls(t *testing.T, fakes ...*controltest.Fake) []call {
	t.Helper()
	ctx := t.Context()
	wp := appliance.AddApp{Recipe: "wordpress", Host: "www.demo.coop", Settings: map[string]string{"title": "Café «Común»"}}
	gone := appliance.RemoveApp{Name: "wordpress", NoExport: true}
	one := func(v any, err error) ([]any, error) { return []any{v}, err }
	return []call{
		{"Status", func(b control.Agent) ([]any, error) { return one(b.Box.Status(ctx)) }},
		{"Findings", func(b control.Agent) ([]any, error) { return one(b.Health.Shown(ctx)) }},
		{"Week", func(b control.Agent) ([]any, error) { return one(b.Health.Week(ctx)) }},
		{"Doctor", func(b control.Agent) ([]any, error) { return one(b.Health.Now(ctx)) }},
		{"Recipes", func(b control.Agent) ([]any, error) { return one(b.Recipes.List(ctx)) }},
		{"Recipe", func(b control.Agent) ([]any, error) { return one(b.Recipes.Show(ctx, "wordpress")) }},
		{"TestRecipe", func(b control.Agent) ([]any, error) {
			return one(b.Recipes.Test(ctx, appliance.TestRecipe{Name: "wordpress", Images: appliance.FromDebian}))
		}},
		{"RefreshImages", func(b control.Agent) ([]any, error) { return one(b.Recipes.RefreshImages(ctx)) }},
		{"PlanAdd", func(b control.Agent) ([]any, error) { return one(b.Apps.PlanAdd(ctx, wp)) }},
		{"Add", func(b control.Agent) ([]any, error) { return one(b.Apps.Add(ctx, wp)) }},
		{"Apps", func(b control.Agent) ([]any, error) { return one(b.Apps.List(ctx)) }},
		{"App", func(b control.Agent) ([]any, error) { return one(b.Apps.Show(ctx, "wordpress")) }},
		{"Certificates", func(b control.Agent) ([]any, error) { return one(b.Box.Certificates(ctx)) }},
		{"Start", func(b control.Agent) ([]any, error) { return one(b.Apps.Start(ctx, "wordpress")) }},
		{"Stop", func(b control.Agent) ([]any, error) { return one(b.Apps.Stop(ctx, "wordpress")) }},
		{"Restart", func(b control.Agent) ([]any, error) { return one(b.Apps.Restart(ctx, "wordpress")) }},
		{"Logs", func(b control.Agent) ([]any, error) {
			var w strings.Builder
			err := b.Apps.Logs(ctx, appliance.AppLogs{Name: "wordpress", Service: "web", Tail: 2}, &w)
			return []any{w.String()}, err
		}},
		{"Signin", func(b control.Agent) ([]any, error) { return one(b.Apps.Signin(ctx, "wordpress")) }},
		{"MarkSigninShown", func(b control.Agent) ([]any, error) { return nil, b.Apps.MarkSigninShown(ctx, "wordpress") }},
		{"PlanRemove", func(b control.Agent) ([]any, error) { return one(b.Apps.PlanRemove(ctx, gone)) }},
		{"Remove", func(b control.Agent) ([]any, error) { return one(b.Apps.Remove(ctx, gone)) }},
		{"Jobs", func(b control.Agent) ([]any, error) { return one(b.Jobs.List(ctx, 3)) }},
		{"Job", func(b control.Agent) ([]any, error) { return one(b.Jobs.Job(ctx, 3)) }},
		{"StopJob", func(b control.Agent) ([]any, error) {
			for _, f := range fakes {
				f.Hold()
				defer f.Release()
			}
			job, err := b.Recipes.RefreshImages(ctx)
			if err != nil {
				return nil, err
			}
			if err := b.Jobs.Stop(ctx, job.ID); err != nil {
				return nil, err
			}
			return one(b.Jobs.Job(ctx, job.ID))
		}},
		{"FinishJob", finishJob},
		{"JobEvents", func(b control.Agent) ([]any, error) {
			var all []any
			err := b.Jobs.Follow(ctx, 3, 4, func(e appliance.JobEvent) error { all = append(all, e); return nil })
			return all, err
		}},
		{"Names", func(b control.Agent) ([]any, error) { return one(b.Names.Zones(ctx)) }},
		{"PlanAddName", func(b control.Agent) ([]any, error) {
			return one(b.Names.PlanAddZone(ctx, appliance.ZoneChange{Zone: "cafe.example"}))
		}},
		{"AddName", func(b control.Agent) ([]any, error) {
			return one(b.Names.AddZone(ctx, appliance.ZoneChange{Zone: "cafe.example"}))
		}},
		{"CheckName", func(b control.Agent) ([]any, error) { return one(b.Names.Check(ctx, "www.cafe.example")) }},
		{"CheckZone", func(b control.Agent) ([]any, error) { return one(b.Names.CheckZone(ctx, "cafe.example")) }},
		{"PlanRemoveName", func(b control.Agent) ([]any, error) {
			return one(b.Names.PlanRemoveZone(ctx, appliance.ZoneChange{Zone: "cafe.example"}))
		}},
		{"RemoveName", func(b control.Agent) ([]any, error) {
			return one(b.Names.RemoveZone(ctx, appliance.ZoneChange{Zone: "cafe.example"}))
		}},
		{"AddRedirect", func(b control.Agent) ([]any, error) {
			return one(b.Redirects.Add(ctx, appliance.Redirect{Host: "old.demo.coop", Target: "https://www.demo.coop/"}))
		}},
		{"Redirects", func(b control.Agent) ([]any, error) { return one(b.Redirects.List(ctx)) }},
		{"RemoveRedirect", func(b control.Agent) ([]any, error) { return one(b.Redirects.Remove(ctx, "old.demo.coop")) }},
		{"PlanPush", func(b control.Agent) ([]any, error) {
			return one(b.Sites.PlanPush(ctx, appliance.PushSite{Host: "demo.coop", Files: 1, Bytes: 5}))
		}},
		{"Push", func(b control.Agent) ([]any, error) {
			return one(b.Sites.Push(ctx, "demo.coop", siteTar(t, map[string]string{"index.html": "hello"})))
		}},
		{"Sites", func(b control.Agent) ([]any, error) { return one(b.Sites.List(ctx)) }},
		{"SiteVersions", func(b control.Agent) ([]any, error) { return one(b.Sites.Versions(ctx, "demo.coop")) }},
		{"RollbackSite", func(b control.Agent) ([]any, error) {
			return one(b.Sites.Rollback(ctx, appliance.RollbackSite{Host: "demo.coop", Version: 1}))
		}},
		{"PlanRemoveSite", func(b control.Agent) ([]any, error) {
			return one(b.Sites.PlanRemove(ctx, appliance.RemoveSite{Host: "demo.coop"}))
		}},
		{"RemoveSite", func(b control.Agent) ([]any, error) {
			return one(b.Sites.Remove(ctx, appliance.RemoveSite{Host: "demo.coop"}))
		}},
		{"Host", func(b control.Agent) ([]any, error) { return one(b.Box.Host(ctx)) }},
		{"SaveSettings", func(b control.Agent) ([]any, error) {
			return nil, b.Box.SaveSettings(ctx, appliance.Settings{Coop: "Café «Común»", Box: "shop", Language: "es"})
		}},
		{"Settings", func(b control.Agent) ([]any, error) { return one(b.Box.Settings(ctx)) }},
		{"PlanJoinDesk", func(b control.Agent) ([]any, error) {
			return one(b.Desk.PlanJoin(ctx, appliance.JoinDesk{Code: controltest.Invitation}))
		}},
		{"JoinDesk", func(b control.Agent) ([]any, error) {
			return one(b.Desk.Join(ctx, appliance.JoinDesk{Code: controltest.Invitation}))
		}},
		{"Desk", func(b control.Agent) ([]any, error) { return one(b.Desk.Status(ctx)) }},
		{"DeskPreview", func(b control.Agent) ([]any, error) { return one(b.Desk.Preview(ctx)) }},
		{"LeaveDesk", func(b control.Agent) ([]any, error) { return nil, b.Desk.Leave(ctx) }},
		{"ConsoleAccess", func(b control.Agent) ([]any, error) { return one(b.Box.ConsoleAccess(ctx)) }},
	}
}

type call struct {
	method string
	make   func(control.Agent) ([]any, error)
}

// TestClient_everyCallRoundTrips makes each call directly on one Fake and
// through the socket on another, and compares.
func TestClient_everyCallRoundTrips(t *testing.T) {
	r, direct := newRig(t), controltest.New()
	var made []string
	for _, c := range calls(t, direct, r.fake) {
		made = append(made, c.method)
		want, err := c.make(direct.Agent())
		if err != nil {
			t.Fatalf("%s: %v", c.method, err)
		}
		got, err := c.make(r.client)
		if err != nil {
			t.Fatalf("%s through the socket: %v", c.method, err)
		}
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(recipes.Recipe{}), cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-direct +socket):\n%s", c.method, d)
		}
	}
	methods := 0
	for area := range reflect.TypeFor[control.Agent]().Fields() {
		methods += area.Type.NumMethod()
	}
	if methods != len(made) {
		t.Errorf("the table has %d calls, the agent %d", len(made), methods)
	}
	for _, row := range control.Table() {
		if !r.visited[row[0]] {
			t.Errorf("no call visits %s", row[0])
		}
	}
}

// TestClient_everyProblemRoundTrips makes every call fail on the far side.
func TestClient_everyProblemRoundTrips(t *testing.T) {
	r := newRig(t)
	for _, c := range calls(t, r.fake) {
		want := &problem.Problem{
			Code: "test-" + strings.ToLower(c.method), Kind: problem.Partial, What: "“half” is done — " + c.method,
			Why: "a test says so\nin two lines", Next: []string{"look", "look again"}, Err: errors.New("secret cause"),
		}
		r.fake.Fail(c.method, want)
		_, err := c.make(r.client)
		if !errors.Is(err, &problem.Problem{Code: want.Code}) {
			t.Errorf("%s: %v; want the problem", c.method, err)
			continue
		}
		if d := cmp.Diff(want, problem.From(err, ""), cmpopts.IgnoreFields(problem.Problem{}, "Err")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.method, d)
		}
		if strings.Contains(err.Error(), "secret cause") {
			t.Errorf("%s: the private cause crossed the socket: %v", c.method, err)
		}
		r.fake.Fail(c.method, nil)
	}
	if !strings.Contains(r.log.String(), "secret cause") {
		t.Error("the private cause is not in the agent's log")
	}
}

func TestHandler_unforeseenErrorIsLoggedWithTheIDThatTheCallerSees(t *testing.T) {
	r := newRig(t)
	r.fake.Fail("Status", errors.New("a wire came loose"))
	_, err := r.client.Box.Status(t.Context())
	p := problem.From(err, "")
	if p.Code != "unexpected" || strings.Contains(p.What, "wire") {
		t.Fatalf("%+v", p)
	}
	_, id, _ := strings.Cut(p.What, "(")
	id = strings.TrimSuffix(id, ")")
	if log := r.log.String(); id == "" || !strings.Contains(log, `"request_id":"`+id+`"`) || !strings.Contains(log, "a wire came loose") {
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
	r := newRig(t)
	hc := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", r.socket)
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
	r := newRig(t)
	r.fake.Hold()
	job, err := r.client.Recipes.RefreshImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen, ended := make(chan appliance.JobEvent, 100), make(chan error, 1)
	go func() {
		ended <- r.client.Jobs.Follow(t.Context(), job.ID, 0, func(e appliance.JobEvent) error { seen <- e; return nil })
	}()
	if e := <-seen; e.Seq != 1 || e.State != appliance.StepRunning {
		t.Fatalf("first event: %+v", e)
	}
	testkit.Eventually(t, waitLimit, "nobody follows", func() bool { return r.fake.Following() == 1 })
	r.fake.Release()
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
