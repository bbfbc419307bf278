// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"coopkit/internal/atomicfile"
)

// host is where a check looks at the system; tests put other places there.
type host struct {
	proc   string // /proc
	run    string // /run
	boot   string // /boot
	cgroup string // /sys/fs/cgroup
	disk   func(path string) (diskSpace, error)
	sync   func() (synchronised bool, err error) // is the clock set by the network?
}

func (h host) withDefaults() host {
	if h.proc == "" {
		h.proc = "/proc"
	}
	if h.run == "" {
		h.run = "/run"
	}
	if h.boot == "" {
		h.boot = "/boot"
	}
	if h.cgroup == "" {
		h.cgroup = "/sys/fs/cgroup"
	}
	if h.disk == nil {
		h.disk = askDisk
	}
	if h.sync == nil {
		h.sync = askClock
	}
	return h
}

// diskSpace is the room of one file system.
type diskSpace struct {
	device      uint64 // tells file systems apart
	free, total uint64 // bytes
}

func askDisk(path string) (diskSpace, error) {
	var s unix.Statfs_t
	var st unix.Stat_t
	if err := errors.Join(unix.Statfs(path, &s), unix.Stat(path, &st)); err != nil {
		return diskSpace{}, fmt.Errorf("ask for free space of %s: %w", path, err)
	}
	size := uint64(s.Bsize) //nolint:gosec // a block size is positive
	used := (s.Blocks - s.Bfree) * size
	return diskSpace{device: st.Dev, free: s.Bavail * size, total: used + s.Bavail*size}, nil
}

// askClock asks the kernel whether a time service keeps the clock.
func askClock() (bool, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, fmt.Errorf("ask for the clock's state: %w", err)
	}
	return t.Status&unix.STA_UNSYNC == 0, nil
}

// history is a small file below health/ in the state folder. What it holds is
// worth nothing but a better guess, so a file that cannot be read is a new one.
type history[T any] struct{ path string }

func historyOf[T any](stateDir, name string) history[T] {
	return history[T]{filepath.Join(stateDir, "health", name+".json")}
}

func (h history[T]) load() (v T, err error) {
	b, err := os.ReadFile(h.path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return v, fmt.Errorf("read history: %w", err)
	}
	if json.Unmarshal(b, &v) != nil {
		var fresh T
		return fresh, nil
	}
	return v, nil
}

func (h history[T]) save(v T) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(h.path), 0o700); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return atomicfile.Write(h.path, b, 0o600)
}
