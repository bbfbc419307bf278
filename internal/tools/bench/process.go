// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a contender that runs until stop.
type process struct {
	cmd   *exec.Cmd
	words bytes.Buffer // what it said; read after it ended
	ended chan struct{}
}

// start starts a program. It ends with ctx at the latest.
func start(ctx context.Context, program string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, program, args...), ended: make(chan struct{})} //nolint:gosec // the contenders are fixed
	p.cmd.Stdout, p.cmd.Stderr = &p.words, &p.words
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 20 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// self starts this program as a contender.
func (b *bench) self(ctx context.Context, what string, args ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, program, append([]string{"-serve", what}, args...)...)
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.ended
}

// wait calls ok every 5 ms until it is true. A process that ends before gives
// an error with what it said.
func (p *process) wait(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("it was not ready after a minute"))
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", p.cmd.Path, p.words.String())
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", p.cmd.Path, context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

// listens reports whether something takes TCP connections there.
func listens(addr string) func() bool {
	return func() bool {
		c, err := net.DialTimeout("tcp", addr, time.Second) //nolint:noctx // has a time limit
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	}
}

// freeAddr returns an address of 127.0.0.1 that was free a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// output runs a program to its end and returns what it wrote.
func output(ctx context.Context, program string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput() //nolint:gosec // fixed programs
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return string(out), nil
}

// file writes a file of the run and returns its path.
func (b *bench) file(name, content string) (string, error) {
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // nginx's worker reads it as another user
		return "", err
	}
	return path, os.WriteFile(path, []byte(content), 0o644) //nolint:gosec // nginx's worker reads it as another user
}
