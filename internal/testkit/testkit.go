// SPDX-License-Identifier: AGPL-3.0-or-later

// Package testkit holds what tests of several packages share: waiting for a
// condition without sleeping blindly, finding the real parts that a test
// needs, and free ports. Only tests import it.
package testkit

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// Eventually calls ok every 20 ms until it returns true, or fails the test
// with message after limit. ok must only look, never change anything.
func Eventually(tb testing.TB, limit time.Duration, message string, ok func() bool) {
	tb.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			tb.Fatalf("after %v: %s", limit, message)
		case <-tick.C:
		}
	}
}

// Long says that the test takes more than a second or two, or needs much of the
// machine. It is skipped in short mode, which is what "make check" runs.
func Long(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("long; make test runs it")
	}
}

// NeedProgram returns the path of a program that the test needs. Without it
// the test is skipped, or fails when CI=true, unless COOPKIT_TEST_WITHOUT
// (comma-separated) lists the program. In short mode the test is skipped.
func NeedProgram(tb testing.TB, name string) string {
	tb.Helper()
	Long(tb)
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(tb, name, "it is not installed")
	}
	return path
}

// NeedDocker makes sure that a Docker Engine answers on its socket; see
// NeedProgram for what happens when none does. Packages whose tests change
// containers run with -p 1 or with names of their own.
func NeedDocker(tb testing.TB) {
	tb.Helper()
	Long(tb)
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(tb.Context(), "unix", "/var/run/docker.sock")
	if err != nil {
		Missing(tb, "docker", err.Error())
		return
	}
	_ = conn.Close()
}

// Missing skips the test because a real part is missing, or fails it when
// CI=true, so that nothing rots unseen.
func Missing(tb testing.TB, part, why string) {
	tb.Helper()
	without := strings.Split(os.Getenv("COOPKIT_TEST_WITHOUT"), ",")
	if os.Getenv("CI") == "true" && !slices.Contains(without, part) {
		tb.Fatalf("this test needs %s: %s (make test installs it)", part, why)
	}
	tb.Skipf("needs %s: %s", part, why)
}

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago.
func FreePort(tb testing.TB) int {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
