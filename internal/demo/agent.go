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

// startAgent makes sure that an agent of this demo answers, with the program
// as it is built now and at the ports that are asked for.
func (d *demo) startAgent(ctx context.Context) (status, error) {
	if pid := d.agentPID(); pid != 0 {
		s, err := d.waitAgent(ctx, 10*time.Second, nil)
		if err == nil && d.current(s, pid) {
			d.note("it runs already (process %d)", pid)
			return s, nil
		}
		d.note("stopping the one that runs: it is of another build, has other ports or does not answer")
		if err := d.stopAgent(ctx); err != nil {
			return status{}, err
		}
	}
	ended, err := d.launch()
	if err != nil {
		return status{}, err
	}
	return d.waitAgent(ctx, time.Minute, ended)
}

// current reports whether the running agent is what this demo would start. The
// program is compared by content: a build writes the file again although
// nothing has changed, and the kernel keeps what a process was started from.
func (d *demo) current(s status, pid int) bool {
	built, err := fileSum(d.program)
	if err != nil {
		return false
	}
	running, err := fileSum(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
	return err == nil && built == running && s.HTTPS == d.https && s.HTTP == d.http && s.DNS == d.dns
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

// launch starts the agent in a session of its own, so that it outlives us. The
// channel closes when it ends while we still look.
func (d *demo) launch() (<-chan struct{}, error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the demo's folder: %w", err)
	}
	log, err := os.OpenFile(d.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the agent's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(d.program, "agent", "run", //nolint:gosec,noctx // our own program, which outlives every context here
		"--state", d.state(), "--socket", d.socket(),
		"--https", d.https, "--http", d.http, "--dns", d.dns,
		"--public-address", "127.0.0.1", "--issuer", "local")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	ended := make(chan struct{})
	go func() { // ends with the agent, or with this process
		_ = cmd.Wait()
		close(ended)
	}()
	return ended, atomicfile.Write(d.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o600)
}

// waitAgent asks the agent for its status until it answers.
func (d *demo) waitAgent(ctx context.Context, limit time.Duration, ended <-chan struct{}) (status, error) {
	var s status
	err := poll(ctx, limit, func() (bool, error) {
		select {
		case <-ended:
			return false, d.agentProblem("it ended again at once")
		default:
		}
		return d.ask(ctx, &s, "status") == nil, nil
	})
	if errors.Is(err, errTooLong) {
		err = d.agentProblem(fmt.Sprintf("it did not answer within %v", limit))
	}
	return s, err
}

func (d *demo) agentProblem(why string) error {
	if words := lastLines(d.logFile(), 8); words != "" {
		why += "; the end of its log:\n" + words
	}
	return &problem.Problem{
		Code: "demo-agent-silent", Kind: problem.Unavailable,
		What: "the appliance of the demo does not run",
		Why:  why,
		Next: []string{"read " + d.logFile(), "if a port is taken: make demo DEMO_HTTPS=9443 DEMO_HTTP=9080 DEMO_DNS=6453", "make demo-down && make demo"},
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

// agentPID returns the process of this demo's agent, 0 when none runs. A
// number that another program has by now is not ours.
func (d *demo) agentPID() int {
	text, err := os.ReadFile(d.pidFile())
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return 0
	}
	args, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil || !strings.Contains(string(args), "\x00--state\x00"+d.state()+"\x00") {
		return 0
	}
	return pid
}

// stopAgent ends the agent and waits until it is gone: first politely, after
// half a minute for good.
func (d *demo) stopAgent(ctx context.Context) error {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		pid := d.agentPID()
		if pid == 0 {
			break
		}
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the agent: %w", err)
		}
		err := poll(ctx, 30*time.Second, func() (bool, error) { return d.agentPID() == 0, nil })
		if err != nil && !errors.Is(err, errTooLong) {
			return err
		}
	}
	if err := os.Remove(d.pidFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the agent's pid file: %w", err)
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
