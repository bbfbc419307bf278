// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

func wantProblem(t *testing.T, err error, code, why string) {
	t.Helper()
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Code != code || !strings.Contains(p.Why, why) || len(p.Next) == 0 {
		t.Fatalf("got %v; want a Problem %s with %q", err, code, why)
	}
}

// ask sends a request to the web service at its fixed address.
func ask(t *testing.T, spec engine.Spec, method, path string) (string, error) {
	t.Helper()
	u := url.URL{Scheme: "http", Host: spec.Services[0].Address.String() + ":8080"}
	req, err := http.NewRequestWithContext(t.Context(), method, u.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return strings.TrimSpace(string(b)), err
}

func run(t *testing.T, e *Engine, spec engine.Spec, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code, err := e.Exec(t.Context(), spec.Install, engine.Exec{
		Service: "web", Command: append([]string{"/app"}, args...), Stdout: &out, Stderr: &errs,
	})
	if err != nil || code != 0 {
		t.Fatalf("%v: exit code %d, %v, %s", args, code, err, errs.String())
	}
	return strings.TrimSpace(out.String())
}

func TestService_keepsItsAddressWhenItRestarts(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	if got, err := ask(t, spec, http.MethodGet, "/"); err != nil || got != "hello" {
		t.Fatalf("it answers %q, %v", got, err)
	}
	if _, err := ask(t, spec, http.MethodPost, "/exit?code=3"); err != nil && !errors.Is(err, io.EOF) {
		t.Logf("the answer was cut off: %v", err)
	}
	testkit.Eventually(t, time.Minute, "it did not come back at its address", func() bool {
		got, err := ask(t, spec, http.MethodGet, "/")
		return err == nil && got == "hello"
	})
	have := enginetest.Run(t, e, spec)
	if have.Containers[0].Restarts != 1 || have.Containers[0].Address != spec.Services[0].Address {
		t.Errorf("after the restart: %+v", have.Containers[0])
	}
}

func TestService_pausedByHandServesAgain(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	if err := e.cli.ContainerPause(t.Context(), engine.ContainerName(spec.Install, "web")); err != nil {
		t.Fatal(err)
	}
	enginetest.Run(t, e, spec)
	if got, err := ask(t, spec, http.MethodGet, "/"); err != nil || got != "hello" {
		t.Fatalf("it answers %q, %v", got, err)
	}
}

func TestService_getsItsFiles(t *testing.T) {
	for name, readOnly := range map[string]bool{"writable": false, "read-only": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := connect(t)
			spec := one(t, e, func(s *engine.Service) {
				s.ReadOnly = readOnly
				s.Files = []recipes.File{
					{Target: "/run/secrets/password", Content: []byte("s3cret")},
					{Target: "/etc/app/app.conf", Content: []byte("colour=red"), Mode: 0o440},
				}
			})
			have := enginetest.Run(t, e, spec)
			if got := run(t, e, spec, "read", "/run/secrets/password"); got != "0444 s3cret" {
				t.Errorf("the secret reads %q", got)
			}
			if got := run(t, e, spec, "read", "/etc/app/app.conf"); got != "0440 colour=red" {
				t.Errorf("the config reads %q", got)
			}
			spec.Services[0].Files[0].Content = []byte("other")
			after := enginetest.Run(t, e, spec)
			if got := run(t, e, spec, "read", "/run/secrets/password"); got != "0444 other" || after.Containers[0].ID == have.Containers[0].ID {
				t.Errorf("after the change the secret reads %q", got)
			}
		})
	}
}

// A container whose files are not in it yet is not taken for a whole one.
func TestContainer_halfMadeIsMadeAnew(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, func(s *engine.Service) {
		s.Files = []recipes.File{{Target: "/run/secrets/password", Content: []byte("s3cret")}}
	})
	have := enginetest.Run(t, e, spec)
	name := engine.ContainerName(spec.Install, "web")
	if err := e.cli.ContainerRename(t.Context(), name, name+unfinished); err != nil {
		t.Fatal(err)
	}
	after := enginetest.Run(t, e, spec)
	if len(after.Containers) != 1 || after.Containers[0].Name != name || after.Containers[0].ID == have.Containers[0].ID {
		t.Errorf("after applying again: %+v", after.Containers)
	}
}

func TestVolume_survivesAndIsRead(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	run(t, e, spec, "write", "/data/photo.txt", "a summer day")
	spec.Services[0].Environment = map[string]string{"GREETING": "good day"}
	enginetest.Run(t, e, spec)
	if got := run(t, e, spec, "read", "/data/photo.txt"); got != "0600 a summer day" {
		t.Errorf("after the container was made anew it reads %q", got)
	}
	if got := contents(t, e, spec); got["photo.txt"] != "a summer day" {
		t.Errorf("read while it runs: %v", got)
	}
	if err := engine.Apply(t.Context(), e, engine.Teardown(observe(t, e, spec), true), appliance.Quiet{}); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, e, spec); got["photo.txt"] != "a summer day" {
		t.Errorf("read without containers: %v", got)
	}
	abandoned, err := e.ReadVolume(t.Context(), spec.Install, "data")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.RemoveVolume(t.Context(), spec.Install, "data"); err != nil {
		t.Errorf("a reader that was left behind keeps the volume: %v", err)
	}
	if err := abandoned.Close(); err != nil {
		t.Error(err)
	}
}

func contents(t *testing.T, e *Engine, spec engine.Spec) map[string]string {
	t.Helper()
	stream, err := e.ReadVolume(t.Context(), spec.Install, "data")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	}()
	out := map[string]string{}
	for r := tar.NewReader(stream); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(h.Name, "./")] = string(b)
	}
}

func observe(t *testing.T, e *Engine, spec engine.Spec) engine.Observed {
	t.Helper()
	have, err := e.Observe(t.Context(), spec.Install)
	if err != nil {
		t.Fatal(err)
	}
	return have
}

func TestExec(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	var out, errs bytes.Buffer
	code, err := e.Exec(t.Context(), spec.Install, engine.Exec{
		Service: "web", Command: []string{"/app", "copy"}, Stdin: strings.NewReader("from the input"), Stdout: &out, Stderr: &errs,
	})
	if code != 0 || err != nil || out.String() != "from the input" || errs.String() != "copying\n" {
		t.Errorf("copy: %d, %v, %q, %q", code, err, out.String(), errs.String())
	}
	code, err = e.Exec(t.Context(), spec.Install, engine.Exec{Service: "web", Command: []string{"/app", "say", "no", "7"}})
	if code != 7 || err != nil {
		t.Errorf("exit code %d, %v; want 7", code, err)
	}
	out.Reset()
	_, err = e.Exec(t.Context(), spec.Install, engine.Exec{
		Service: "web", Command: []string{"/app", "env", "COLOUR"}, Env: map[string]string{"COLOUR": "red"}, Stdout: &out,
	})
	if err != nil || out.String() != "red\n" {
		t.Errorf("the environment variable is %q, %v", out.String(), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	open, shut := io.Pipe() // an input that never ends
	_, err = e.Exec(ctx, spec.Install, engine.Exec{Service: "web", Command: []string{"/app", "copy"}, Stdin: open})
	_ = shut.Close()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a command without end: %v", err)
	}
	if err := e.StopContainer(t.Context(), spec.Install, "web"); err != nil {
		t.Fatal(err)
	}
	_, err = e.Exec(t.Context(), spec.Install, engine.Exec{Service: "web", Command: []string{"/app"}})
	wantProblem(t, err, "service-not-running", "")
}

func TestService_findsItsOwnNamesAtTheHost(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	spec.Hosts = []string{"www.demo.coop", "dav.demo.coop"}
	enginetest.Run(t, e, spec)
	for _, name := range spec.Hosts {
		if got := run(t, e, spec, "find", name); got != engine.Gateway(spec.Subnet).String() {
			t.Errorf("inside, %s is %s", name, got)
		}
	}
}
