// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coopkit/internal/atomicfile"
	"coopkit/internal/problem"
)

// process is a part of the demo that runs in the background: the appliance or
// the desk. It outlives the program that starts it.
type process struct {
	name    string // for people and file names
	program string
	dir     string   // of its log and of the file with its number
	state   string   // its folder, by which it is told from every other process
	args    []string // without --state
}

func (p process) pidFile() string { return filepath.Join(p.dir, p.name+".pid") }
func (p process) logFile() string { return filepath.Join(p.dir, p.name+".log") }

// ofThisBuild reports whether the process runs the program as it is built now.
// The content is compared: a build writes the file again although nothing has
// changed, and the kernel keeps what a process was started from.
func (p process) ofThisBuild(pid int) bool {
	built, err := fileSum(p.program)
	if err != nil {
		return false
	}
	running, err := fileSum(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
	return err == nil && built == running
}

func fileSum(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path) //nolint:gosec // our program, and what runs of it
	if err != nil {
		return sum, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// launch starts it in a session of its own, so that it outlives us. The channel
// closes when it ends while we still look.
func (p process) launch() (<-chan struct{}, error) {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the demo's folder: %w", err)
	}
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of the %s: %w", p.name, err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(p.program, append(p.args, "--state", p.state)...) //nolint:gosec,noctx // our own program, which outlives every context here
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", p.name, err)
	}
	ended := make(chan struct{})
	go func() { // ends with the process, or with us
		_ = cmd.Wait()
		close(ended)
	}()
	return ended, atomicfile.Write(p.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o600)
}

// wait looks until the process answers. It fails when that takes longer than
// limit, or when the process ends.
func (p process) wait(ctx context.Context, limit time.Duration, ended <-chan struct{}, answers func() bool) error {
	err := poll(ctx, limit, func() (bool, error) {
		select {
		case <-ended:
			return false, p.silent("it ended again at once")
		default:
		}
		return answers(), nil
	})
	if errors.Is(err, errTooLong) {
		err = p.silent(fmt.Sprintf("it did not answer within %v", limit))
	}
	return err
}

func (p process) silent(why string) error {
	if words := lastLines(p.logFile(), 8); words != "" {
		why += "; the end of its log:\n" + words
	}
	return &problem.Problem{
		Code: "demo-part-silent", Kind: problem.Unavailable,
		What: "the " + p.name + " of the demo does not run",
		Why:  why,
		Next: []string{
			"read " + p.logFile(),
			"if a port is taken: make demo DEMO_HTTPS=9443 DEMO_HTTP=9080 DEMO_DNS=6453 DEMO_CONSOLE=9420 DEMO_DESK=9430",
			"make demo-down && make demo",
		},
	}
}

func lastLines(path string, n int) string {
	text, err := os.ReadFile(path) //nolint:gosec // a file of the demo
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// pid returns the number of the process, 0 when it does not run. A number that
// another program has by now is not ours.
func (p process) pid() int {
	text, err := os.ReadFile(p.pidFile())
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return 0
	}
	args, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil || !strings.Contains(string(args), "\x00--state\x00"+p.state+"\x00") {
		return 0
	}
	return pid
}

// stop ends the process and waits until it is gone: first politely, after half
// a minute for good.
func (p process) stop(ctx context.Context) error {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		pid := p.pid()
		if pid == 0 {
			break
		}
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the %s: %w", p.name, err)
		}
		err := poll(ctx, 30*time.Second, func() (bool, error) { return p.pid() == 0, nil })
		if err != nil && !errors.Is(err, errTooLong) {
			return err
		}
	}
	if err := os.Remove(p.pidFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the pid file of the %s: %w", p.name, err)
	}
	return nil
}

var errTooLong = errors.New("it took too long")

// poll calls done every 100 ms until it is true or fails. The error is
// errTooLong after limit.
func poll(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return errTooLong
		case <-tick.C:
		}
	}
}
