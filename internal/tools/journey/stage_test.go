// SPDX-License-Identifier: AGPL-3.0-or-later

package journey

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// program builds coopkit once for all journeys.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "journey")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "coopkit")
	out, err := exec.Command("go", "build", "-o", path, "coopkit/cmd/coopkit").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// people of the journeys, and what they type.
const (
	stewardName     = "amara"
	stewardPassword = "bread rises twice"
	techName        = "jonas"
	techPassword    = "kestrels hover still"
	coopName        = "Lantern Street Bakery"
)

// stage is one box, and a desk when it is needed, as processes of this machine.
type stage struct {
	t       *testing.T
	dir     string
	console string // https://127.0.0.1:…
	desk    string
	https   string // port of the front door
	deskDir string
	program string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, dir: t.TempDir(), program: path}
	s.deskDir = filepath.Join(s.dir, "desk")
	return s
}

// startBox starts an agent with nothing on it.
func (s *stage) startBox() {
	s.t.Helper()
	at := func() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(testkit.FreePort(s.t))) }
	https, console := at(), at()
	_, s.https, _ = net.SplitHostPort(https)
	s.console = "https://" + console
	s.run("box", "agent", "run", "--state", filepath.Join(s.dir, "box"), "--socket", s.socket(), "--https", https, "--http", at(), "--dns", at(),
		"--console", console, "--public-address", "127.0.0.1", "--issuer", "local", "--log-level", "debug")
	s.waitFor(s.console + "/setup")
}

// startDesk starts a desk with one co-op and one technician.
func (s *stage) startDesk() {
	s.t.Helper()
	listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(testkit.FreePort(s.t)))
	s.desk = "https://" + listen
	s.run("desk", "desk", "serve", "--state", s.deskDir, "--listen", listen, "--url", s.desk, "--name", "Kestrel Works")
	s.waitFor(s.desk + "/signin")
	s.coopkit("", "desk", "coop", "add", "lantern", coopName, "--state", s.deskDir)
	s.coopkit(techPassword+"\n", "desk", "user", "add", techName, "--coop", "lantern", "--role", "coordinator", "--password-stdin", "--state", s.deskDir)
}

func (s *stage) socket() string { return filepath.Join(s.dir, "box.sock") }

// run starts a process that ends with the test; its log is shown if that fails.
func (s *stage) run(name string, args ...string) {
	s.t.Helper()
	var log bytes.Buffer
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context())) // it lives until what was registered later has cleaned up
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
		if s.t.Failed() {
			s.t.Logf("the log of the %s:\n%s", name, log.String())
		}
	})
}

// waitFor waits until an address answers.
func (s *stage) waitFor(url string) {
	s.t.Helper()
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // only whether it answers
	}}
	testkit.Eventually(s.t, time.Minute, url+" does not answer", func() bool {
		req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		resp, err := c.Do(req)
		return err == nil && resp.Body.Close() == nil
	})
}

// coopkit runs a command as somebody at the terminal of the box.
func (s *stage) coopkit(stdin string, args ...string) string {
	s.t.Helper()
	out, err := s.try(stdin, args...)
	if err != nil {
		s.t.Fatalf("coopkit %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (s *stage) try(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, append([]string{"--socket", s.socket()}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// told runs a command and reads its JSON.
func (s *stage) told(answer any, args ...string) {
	s.t.Helper()
	if out := s.coopkit("", append(args, "--json")...); json.Unmarshal([]byte(out), answer) != nil {
		s.t.Fatalf("coopkit %s said %s", strings.Join(args, " "), out)
	}
}

// token is a fresh one for the console.
func (s *stage) token() string {
	s.t.Helper()
	var access struct {
		Token string `json:"token"`
	}
	s.told(&access, "console", "token")
	return access.Token
}

// removeApps takes the apps off again before the box ends, so that the engine is
// as it was.
func (s *stage) removeApps() {
	var apps []struct {
		Name string `json:"name"`
	}
	out, err := s.try("", "app", "list", "--json")
	if err != nil || json.Unmarshal([]byte(out), &apps) != nil {
		s.t.Logf("apps not known: %v %s", err, out)
		return
	}
	for _, a := range apps {
		if out, err := s.try("", "app", "remove", a.Name, "--no-export", "--yes"); err != nil {
			s.t.Errorf("%s stays: %v\n%s", a.Name, err, out)
		}
	}
}
