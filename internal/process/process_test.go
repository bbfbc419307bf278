// SPDX-License-Identifier: AGPL-3.0-or-later

package process_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/process"
	"coopkit/internal/supervise"
)

func TestLock(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	first, err := process.Lock(folder, "agent", 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if _, err := process.Lock(folder, "agent", 0o700); !errors.Is(err, &problem.Problem{Code: "state-in-use"}) {
		t.Errorf("second lock: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := process.Lock(folder, "agent", 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := process.Lock("/dev/null/x", "desk", 0o700); !errors.Is(err, &problem.Problem{Code: "state-unusable"}) {
		t.Errorf("no folder: %v", err)
	}
}

func TestNewLog(t *testing.T) {
	var b strings.Builder
	log, err := process.NewLog(&b, "warn")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("not written")
	panicked := supervise.Recovered(func() error { panic("a wire came loose") })
	log.Warn("written", slog.Any(logkey.Err, fmt.Errorf("look: %w", panicked)))
	if got := b.String(); !strings.HasPrefix(got, "{") || strings.Count(got, "\n") != 1 ||
		!strings.Contains(got, "look: panic: a wire came loose") || !strings.Contains(got, "process_test.go") {
		t.Error(got)
	}
	if _, err := process.NewLog(&b, "loud"); !errors.Is(err, &problem.Problem{Code: "log-level-unknown"}) {
		t.Error(err)
	}
}

func TestReadyAndStopping_tellSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for want, tell := range map[string]func(*slog.Logger){"READY=1": process.Ready, "STOPPING=1": process.Stopping} {
		t.Setenv("NOTIFY_SOCKET", path)
		tell(slog.New(slog.DiscardHandler))
		buf := make([]byte, 64)
		if n, err := c.Read(buf); err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v; want %q", buf[:n], err, want)
		}
		t.Setenv("NOTIFY_SOCKET", filepath.Join(path, "nowhere"))
		var said strings.Builder
		tell(slog.New(slog.NewTextHandler(&said, nil)))
		if !strings.Contains(said.String(), "systemd not told") {
			t.Errorf("%s: %q", want, said.String())
		}
	}
}
