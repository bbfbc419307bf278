// SPDX-License-Identifier: AGPL-3.0-or-later

package localrpc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"coopkit/internal/problem"
)

// The longest path of a unix socket on Linux, without the final zero byte.
const maxSocketPath = 107

// ErrInUse is the error of Listen where a living program has the socket.
var ErrInUse = errors.New("somebody answers at the socket")

// Listen makes the socket at path, with its mode, owned by group gid (negative:
// the process's own), in a folder that is made with mode 0750 when it is missing.
// A socket that a dead program left is replaced. Problems are
// "socket-path-too-long" and "socket-path-taken". The caller closes the
// listener, which removes the socket.
func Listen(path string, mode fs.FileMode, gid int) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, &problem.Problem{
			Code: "socket-path-too-long", Kind: problem.Invalid,
			What: "the path of the control socket is too long: " + path,
			Why:  fmt.Sprintf("the system allows %d characters", maxSocketPath),
			Next: []string{"choose a shorter path: --socket of an agent, --state of a desk"},
		}
	}
	if err := makeFolder(filepath.Dir(path), gid); err != nil {
		return nil, err
	}
	if err := clearStale(path); err != nil {
		return nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on control socket: %w", err)
	}
	if err := errors.Join(os.Chmod(path, mode), chgrp(path, gid)); err != nil {
		return nil, errors.Join(fmt.Errorf("set access of control socket: %w", err), ln.Close())
	}
	return ln, nil
}

// makeFolder leaves a folder that exists as it is: it may be the system's.
func makeFolder(dir string, gid int) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make folder of control socket: %w", err)
	}
	return chgrp(dir, gid)
}

func chgrp(path string, gid int) error {
	if gid < 0 {
		return nil
	}
	return os.Chown(path, -1, gid)
}

// clearStale removes a socket at which nobody answers.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at control socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return &problem.Problem{
			Code: "socket-path-taken", Kind: problem.Conflict,
			What: "something that is not a socket is at " + path,
			Next: []string{"move it away, or choose another path: --socket of an agent, --state of a desk"},
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if errors.Is(err, unix.ECONNREFUSED) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove stale control socket: %w", err)
		}
		return nil
	}
	if err == nil {
		_ = conn.Close()
	}
	return errors.Join(ErrInUse, err)
}

// Serve answers requests until ctx is done; those that run then end with the
// error stopping. It returns nil after an orderly end; ln is closed.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, stopping error) error {
	requests, endRequests := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endRequests(nil)
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		endRequests(stopping)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		ended <- errors.Join(srv.Shutdown(grace), srv.Close())
	})
	err := srv.Serve(ln)
	if stop() { // it ended by itself
		return fmt.Errorf("serve control socket: %w", err)
	}
	if err := <-ended; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("close control socket: %w", err)
	}
	return nil
}
