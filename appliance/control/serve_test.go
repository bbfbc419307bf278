// SPDX-License-Identifier: AGPL-3.0-or-later

package control_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

const waitLimit = 10 * time.Second

func TestListen_accessOfSocketAndFolder(t *testing.T) {
	dir := filepath.Join(shortDir(t), "run")
	path := filepath.Join(dir, "c.sock")
	gid := os.Getgid()
	if os.Geteuid() == 0 {
		gid = 12345
	}
	ln, err := control.Listen(path, gid)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]fs.FileMode{dir: fs.ModeDir | 0o750, path: fs.ModeSocket | 0o660} {
		info, err := os.Lstat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v; want %v", p, info.Mode(), want)
		}
		if got := int(info.Sys().(*syscall.Stat_t).Gid); got != gid {
			t.Errorf("%s belongs to group %d; want %d", p, got, gid)
		}
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there after Close: %v", err)
	}
}

func TestListen_replacesTheSocketOfADeadAgent(t *testing.T) {
	path := filepath.Join(shortDir(t), "c.sock")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false) // as after kill -9
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	ln, err := control.Listen(path, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
}

func TestListen_refuses(t *testing.T) {
	dir := shortDir(t)
	alive := filepath.Join(dir, "alive.sock")
	ln, err := control.Listen(alive, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]string{
		alive: "agent-already-running",
		file:  "socket-path-taken",
		filepath.Join(dir, strings.Repeat("x", 120)): "socket-path-too-long",
	} {
		_, err := control.Listen(path, -1)
		if !errors.Is(err, &problem.Problem{Code: code}) {
			t.Errorf("Listen(%s): %v; want %s", path, err, code)
		}
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "precious" {
		t.Errorf("the file in the way: %q, %v", data, err)
	}
}

func TestClient_agentNotRunning(t *testing.T) {
	dir := shortDir(t)
	left := filepath.Join(dir, "left.sock")
	dead, err := net.Listen("unix", left)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "none.sock"), left} {
		_, err := control.NewClient(path).Box.Status(t.Context())
		if p := problem.From(err, ""); p.Code != "agent-not-running" || p.Kind != problem.Unavailable || len(p.Next) == 0 {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestClient_somethingElseAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"agent-answer-unexpected": "HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\noh\n",
		"agent-went-away":         "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{\"version\":",
	} {
		path := filepath.Join(shortDir(t), "c.sock")
		ln, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		go answerOnce(ln, answer)
		if _, err := control.NewClient(path).Box.Status(t.Context()); !errors.Is(err, &problem.Problem{Code: name}) {
			t.Errorf("%v; want %s", err, name)
		}
	}
}

func answerOnce(ln net.Listener, answer string) {
	conn, err := ln.Accept()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for line := ""; line != "\r\n" && err == nil; {
		line, err = r.ReadString('\n')
	}
	_, _ = io.WriteString(conn, answer)
}

func TestServe_stoppingEndsStreamsWithAProblem(t *testing.T) {
	box := agenttest.New(t)
	box.Hold()
	job, err := box.Agent().Recipes.RefreshImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(shortDir(t), "c.sock")
	ln, err := control.Listen(socket, -1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- control.Serve(ctx, ln, control.Handler(box.Agent(), discard())) }()
	ended := make(chan error, 1)
	go func() {
		ended <- control.NewClient(socket).Jobs.Follow(t.Context(), job.ID, 0, func(appliance.JobEvent) error { return nil })
	}()
	testkit.Eventually(t, waitLimit, "nobody follows", func() bool { return box.Following() == 1 })
	stop()
	if err := <-ended; !errors.Is(err, &problem.Problem{Code: "agent-stopping"}) {
		t.Errorf("the stream ended with %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestClient_leavesWhenItsContextEnds(t *testing.T) {
	box := agenttest.New(t)
	box.Add(t, "wordpress", "www.demo.coop")
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- box.Agent().Apps.Logs(ctx, appliance.AppLogs{Name: "wordpress", Follow: true}, io.Discard)
	}()
	testkit.Eventually(t, waitLimit, "nobody follows", func() bool { return box.Following() == 1 })
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	testkit.Eventually(t, waitLimit, "the agent still follows", func() bool { return box.Following() == 0 })
}

// TestReceive_refusedHalfWay: the agent refuses partway, and the client
// still gets to hear why.
func TestReceive_refusedHalfWay(t *testing.T) {
	box := agenttest.New(t)
	_, err := box.Agent().Sites.Receive(t.Context(), "amara", io.LimitReader(zeroes{'x'}, 64<<20))
	if !errors.Is(err, &problem.Problem{Code: "site-archive-invalid"}) {
		t.Error(err)
	}
	box.Fail("PUT /v1/drafts/bo", &problem.Problem{Code: "upload-busy", Kind: problem.Unavailable, What: "others send", Next: []string{"wait"}})
	read := &counted{Reader: zeroes{0}}
	_, err = box.Agent().Sites.Receive(t.Context(), "bo", read)
	if !errors.Is(err, &problem.Problem{Code: "upload-busy"}) || read.n != 0 {
		t.Errorf("%v after %d bytes; want a refusal before any", err, read.n)
	}
}

type zeroes [1]byte

func (z zeroes) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = z[0]
	}
	return len(p), nil
}

type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}
