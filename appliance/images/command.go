// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"coopkit/appliance"
)

// commandError is a program that failed, with the last lines it said.
type commandError struct {
	name string
	err  error
	last []string
}

func (e *commandError) Error() string {
	return fmt.Sprintf("run %s: %v: %s", e.name, e.err, strings.Join(e.last, " | "))
}

func (e *commandError) Unwrap() error { return e.err }

// lastLine is the last thing the program said that sounds like a reason.
func (e *commandError) lastLine() string {
	if reason, ok := lastReason(e.last); ok || len(e.last) == 0 {
		return reason
	}
	return e.last[len(e.last)-1]
}

// lastReason is the last line with which apt or debootstrap said why it failed.
func lastReason(lines []string) (string, bool) {
	for _, line := range slices.Backward(lines) {
		if reason, ok := strings.CutPrefix(line, "E:"); ok {
			return strings.TrimSpace(reason), true
		}
	}
	return "", false
}

// runQuietly runs a program as a group of processes with mounts of their own, and
// sends its output to p line by line. When ctx ends, the whole group is asked
// to stop and then killed; its mounts are gone with it.
func runQuietly(ctx context.Context, p appliance.Progress, env []string, name string, args ...string) error {
	runtime.LockOSThread() // Pdeathsig looks at the thread that started the program
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // fixed programs
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: true, Pdeathsig: syscall.SIGKILL, Unshareflags: syscall.CLONE_NEWNS,
	}
	lines := &lineWriter{each: p.Log}
	cmd.Stdout, cmd.Stderr = lines, lines
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return &commandError{name: name, err: err}
	}
	err := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whoever is left of the group
	lines.end()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return &commandError{name: name, err: err, last: lines.last}
	}
	return nil
}

// lineWriter cuts what is written into lines and keeps the last ones.
type lineWriter struct {
	each func(string)
	mu   sync.Mutex
	part []byte
	last []string
}

const keptLines = 20

func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.part = append(w.part, b...)
	for {
		line, rest, ok := bytes.Cut(w.part, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		w.part = rest
		w.line(string(line))
	}
}

func (w *lineWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.part) > 0 {
		w.line(string(w.part))
		w.part = nil
	}
}

func (w *lineWriter) line(s string) {
	s = strings.TrimRight(s, "\r ")
	if s == "" {
		return
	}
	if w.last = append(w.last, s); len(w.last) > keptLines {
		w.last = w.last[1:]
	}
	w.each(s)
}
